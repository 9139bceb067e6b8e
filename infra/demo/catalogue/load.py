"""
Puts catalogues of providers in front of the public HTTP API: signs the provider up, has it verified and let in,
drafts its offerings, submits and publishes them.

Every request carries an idempotency key made of its content, so a second run changes nothing and finds the same
organisations, API keys and offerings.

    YIQI_API_KEY=… python -m infra.demo.catalogue.load http://127.0.0.1:8000

where the key is the operating company's (roles administrator or catalogue_operator).
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from infra.demo.client import Client, Json, Refused

HERE = Path(__file__).parent
THREADS = 4
APPROVAL_PATIENCE_S = 60.0


class Posts(Protocol):
    """Who may be told something: a `Client`."""

    def post(self, path: str, body: Json, *, key: str) -> Json: ...


As = Callable[[str | None], Posts]
"""API key → who acts with it; none: anybody."""


@dataclass(frozen=True)
class LoadedProvider:
    """
    Attributes:
        key: The catalogue's own name of it, which is the file's.
        api_key: Acts for the provider with all roles of its kind.
        offerings: The catalogue's own name of each offering → its id.
    """

    key: str
    organisation_id: str
    api_key: str
    offerings: dict[str, str]


def catalogues(folder: Path = HERE) -> list[Json]:
    """The catalogues in *folder*, one a provider, by name."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def load(
    acting: As, operator_api_key: str, chosen: Sequence[Json], *, publish: bool = True,
    sleep: Callable[[float], None] = time.sleep,
) -> list[LoadedProvider]:  # fmt: skip
    """
    Load *chosen* catalogues, each as in this folder.

    With *publish* false the offerings stay drafts.

    Raises:
        Refused: The API refused something; what was loaded before stays, and a second run goes on from there.
    """
    loaded = []
    for catalogue in chosen:
        organisation_id, api_key = _provider(acting, operator_api_key, catalogue, sleep)
        prices = {"valid_from": catalogue["valid_from"], "charge_basis": catalogue["charge_basis"]}

        def offer(entry: Json, api_key: str = api_key, prices: Json = prices) -> tuple[str, str]:
            return entry["key"], _offering(acting, operator_api_key, api_key, entry, prices, publish=publish)

        with ThreadPoolExecutor(THREADS) as pool:
            offerings = dict(pool.map(offer, catalogue["offerings"]))
        loaded.append(LoadedProvider(catalogue["key"], organisation_id, api_key, offerings))
    return loaded


def _provider(acting: As, operator_api_key: str, catalogue: Json, sleep: Callable[[float], None]) -> tuple[str, str]:
    organisation = catalogue["organisation"]
    body = {
        **organisation,
        "kind": "provider",
        "first_member": {
            "name": f"{organisation['legal_name']} 管理员",
            "mail": organisation["mail"],
            "language": "zh",
        },
        "api_key": "catalogue",
    }
    made = acting(None).post("/organisations", body, key=content_key("organisation", body))
    organisation_id, api_key = made["organisation"]["organisation_id"], made["api_key"]

    def told(path: str, wanted: Json, who: str) -> None:
        acting(who).post(path, wanted, key=content_key(organisation_id, path, wanted))

    told(f"/organisations/{organisation_id}/verify", {"note": "demonstration"}, operator_api_key)
    told("/providers", catalogue["provider"], api_key)
    told(f"/providers/{organisation_id}/review", {"decision": "take_up", "reason": ""}, operator_api_key)
    approve = {"decision": "approve", "reason": ""}
    _until_ready(lambda: told(f"/providers/{organisation_id}/review", approve, operator_api_key), sleep)
    return organisation_id, api_key


def _until_ready(step: Callable[[], None], sleep: Callable[[float], None]) -> None:
    # That identity has verified the organisation reaches the catalogue by an event, a moment later.
    waited_s = 0.0
    while True:
        try:
            return step()
        except Refused as error:
            if error.code != "catalog.provider_not_ready" or waited_s >= APPROVAL_PATIENCE_S:
                raise
        sleep(0.5)
        waited_s += 0.5


def _offering(acting: As, operator_api_key: str, api_key: str, entry: Json, prices: Json, *, publish: bool) -> str:
    body: dict[str, Any] = {
        "content": entry["content"],
        "prices": entry.get("prices") or ([{**prices, **entry["price"]}] if "price" in entry else []),
    }
    # The entry's own name is part of the key: two entries of the same content are two offerings.
    made = acting(api_key).post("/offerings", body, key=content_key(entry["key"], body))
    offering_id = str(made["offering_id"])
    if publish:
        for step, who in (("submit", api_key), ("publish", operator_api_key)):
            path = f"/offerings/{offering_id}/steps"
            acting(who).post(path, {"step": step, "reason": ""}, key=content_key(path, step))
    return offering_id


def content_key(*parts: object) -> str:
    """An idempotency key that *parts* (JSON values) alone decide: the same content has the same key tomorrow."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"catalogue/{sha256(text.encode()).hexdigest()}"


def main(arguments: Sequence[str]) -> int:
    options = argparse.ArgumentParser(
        prog="python -m infra.demo.catalogue.load", description=(__doc__ or "").split("\n\n", 1)[0]
    )
    options.add_argument("url", help="of the gateway")
    options.add_argument("--folder", type=Path, default=HERE, help="of catalogues; default: the demonstration's")
    options.add_argument("--drafts", action="store_true", help="do not publish")
    chosen = options.parse_args(arguments)
    operator_api_key = os.environ.get("YIQI_API_KEY")
    if not operator_api_key:
        sys.stderr.write("YIQI_API_KEY must hold an API key of the operating company\n")
        return 2
    try:
        acting = partial(Client, chosen.url.rstrip("/"))
        loaded = load(acting, operator_api_key, catalogues(chosen.folder), publish=not chosen.drafts)
    except Refused as error:
        sys.stderr.write(f"refused: {error}\n")
        return 1
    for provider in loaded:
        print(f"{provider.key}: {len(provider.offerings)} offerings")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
