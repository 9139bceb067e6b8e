"""python -m infra.demo [--data DIR] [--dir var]: the main job on real parts, left running."""

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import requests

from infra.demo import orders, proof, scene, story
from infra.demo.client import NotInTime, Refused
from infra.demo.orders import Told
from infra.demo.people import Organisation
from infra.demo.platform import CommandFailed, Platform
from infra.demo.receiver import WebhookReceiver
from infra.local.errors import StackError
from infra.local.progress import say, step
from infra.local.state import ROOT


def main(arguments: Sequence[str]) -> int:
    options = argparse.ArgumentParser(prog="python -m infra.demo", description=__doc__)
    options.add_argument("--dir", type=Path, default=ROOT / "var", help="of the stack (default: var)")
    options.add_argument("--data", type=Path, help="a folder with real catalogues, loaded as drafts")
    chosen = options.parse_args(arguments)
    begun = time.monotonic()
    try:
        wrong = run(Platform(chosen.dir.resolve()), chosen.data)
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except (Refused, NotInTime, CommandFailed, AssertionError, requests.RequestException, FileNotFoundError) as error:
        print(f"error: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; what was started runs on. make demo takes it up again, make down stops it.", file=sys.stderr)
        return 130
    for sentence in wrong:
        print(f"WRONG: {sentence}", file=sys.stderr)
    say(f"the demonstration took {time.monotonic() - begun:.0f} s" + (" and FAILED" if wrong else ""))
    return 1 if wrong else 0


def run(platform: Platform, data: Path | None) -> list[str]:
    """The whole demonstration. Returns what is wrong; nothing: it has proved itself."""
    platform.up()
    stage = scene.prepare(platform, data)
    started = datetime.now(UTC)
    with WebhookReceiver() as receiver:
        endpoint = register(stage.parties["customer"], receiver)
        try:
            both = orders.tell(platform, stage)
            wrong = prove(platform, stage, both, receiver)
        finally:
            disable(stage.parties["customer"], endpoint)
    for told in both:
        keep_mails(platform, told, started)
    remember(stage, both)
    story.print_story(platform, stage, both, len(receiver.events))
    return wrong


def register(customer: Organisation, receiver: WebhookReceiver) -> str:
    """The customer's finance system wants to be told. Answers the endpoint's id."""
    with step("a webhook endpoint of the customer's finance"):
        made = customer["customer_finance"].post(
            "/webhook-endpoints", {"url": receiver.url}, key=f"webhook/{time.time_ns()}"
        )
    receiver.secret = made["secret"]
    return str(made["webhook_endpoint_id"])


def disable(customer: Organisation, endpoint: str) -> None:
    """Nobody listens there after this run."""
    path = f"/webhook-endpoints/{endpoint}/disable"
    customer["customer_finance"].post(path, key=f"disable/{endpoint}")


def prove(platform: Platform, stage: scene.Scene, both: tuple[Told, Told], receiver: WebhookReceiver) -> list[str]:
    """Everything that must hold at the end."""
    operator = stage.operator
    finance = stage.parties["customer"]["customer_finance"]
    checks: list[tuple[str, Callable[[], list[str]]]] = [
        ("no message, no event and no dead letter waits anywhere",
         lambda: proof.settled(lambda: proof.nothing_waits(platform, operator))),
        ("the books: sum zero, invariants, the feed rebuilds every balance",
         lambda: proof.settled(lambda: proof.books_hold(operator), 30)),
        ("every figure of both orders, to the fen",
         lambda: [w for told in both for w in proof.figures_hold(told.cast, told.order_id, told.expected)]),
        ("nothing is held for a closed order",
         lambda: [w for told in both for w in proof.contract_is_empty(told.cast, told.order_id)]),
        ("signed webhooks brought what the feed says",
         lambda: proof.settled(lambda: proof.webhooks_came(finance, receiver.events, [t.order_id for t in both]), 30)),
        ("a person signs in at the portal and sees the order",
         lambda: proof.portal_opens(
             stage.parties["customer"].logins["requester"], platform.base_url, (both[0].order_id, both[0].number))),
        ("both invoices obey the official EN 16931 rules",
         lambda: [w for told in both for w in proof.invoice_obeys_the_rules(told.files["invoice XML"])]),
        ("the hash chain of every event log holds", lambda: proof.chains_hold(platform)),
    ]  # fmt: skip
    wrong = []
    for what, check in checks:
        with step(f"proof: {what}"):
            found = check()
            if found:
                say(f"    {len(found)} WRONG")
            wrong += found
    return wrong


def keep_mails(platform: Platform, told: Told, started: datetime) -> None:
    """Copy the mails about the order that were sent in this run beside its documents."""
    for path in orders.mails_about(platform.mail_folder, told, started):
        target = told.folder / "mails" / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        told.mails.append(Path(shutil.copyfile(path, target)))


def remember(stage: scene.Scene, both: tuple[Told, Told]) -> None:
    """Write the two orders and their files into demo.json."""
    for told in both:
        stage.orders.append({"order_id": told.order_id, "number": told.number, "what": told.title})
        stage.documents += [
            {"order_id": told.order_id, "document": what, "path": str(path)} for what, path in told.files.items()
        ]
    stage.save()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
