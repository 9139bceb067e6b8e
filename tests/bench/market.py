"""What has to be there before an order can be placed, made through the public API as anybody would."""

import json
import secrets
import time
from dataclasses import dataclass
from uuid import uuid4

from infra.demo import people
from infra.demo.client import Client, Json
from infra.demo.platform import Platform

CALM_TIMEOUT_S = 120


@dataclass(frozen=True)
class Market:
    """
    Attributes:
        api_key: The customer's, in the role that places orders.
        offering_id: Published, with a price, orderable.
    """

    base_url: str
    api_key: str
    offering_id: str

    def order(self) -> str:
        """The body of an order, as JSON; the control takes the same."""
        wanted = {"offerings": [{"offering_id": self.offering_id, "quantity": 3}], "payment_method": "bank_transfer"}
        return json.dumps(wanted)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.api_key}"}


OFFERING: Json = {
    "content": {
        "title_zh": "扫描电镜形貌观察", "title_en": "Scanning electron microscopy, morphology",
        "description_zh": "高分辨形貌，出具中英文报告。", "description_en": "High-resolution morphology with a report.",
        "method_zh": "微束分析 扫描电镜", "method_en": "Microbeam analysis, SEM", "method_codes": ["JY/T 0584-2020"],
        "instrument": "Regulus 8100", "instrument_class": "0203", "unit": "sample", "turnaround_working_days": 5,
        "orderable": True,
    },
    "prices": [
        {
            "valid_from": "2026-01-01T00:00:00+08:00", "unit_price": {"amount": 30_000, "currency": "CNY"},
            "volume_discounts": [], "charge_basis": "made up for measuring",
        }
    ],
}  # fmt: skip


def open_market(platform: Platform) -> Market:
    """An operating company, a plan, a provider with an offering, a customer; the first order is through."""
    base_url = platform.base_url
    mail = "admin@operator.example"
    password = secrets.token_urlsafe(16)
    operator = people.found_operator(base_url, mail, password, platform.create_admin(mail))
    people.publish_plan(operator)
    provider = people.sign_up(
        base_url, operator,
        people.Particulars(
            "provider", "测量实验室", "Measuring Laboratory", people.credit_code(71), "lab@bench.example",
            account_number="6200 0000 0000 0071",
        ),
    )  # fmt: skip
    customer = people.sign_up(
        base_url, operator,
        people.Particulars("customer", "测量企业", "Measuring Enterprise", people.credit_code(72), "buy@bench.example"),
    )  # fmt: skip
    drafted = provider["lab_manager"].post("/offerings", OFFERING, key="bench/offering")
    path = f"/offerings/{drafted['offering_id']}/steps"
    provider["lab_manager"].post(path, {"step": "submit"}, key="bench/submit")
    operator["catalogue_operator"].post(path, {"step": "publish"}, key="bench/publish")
    market = Market(base_url, customer.api_keys["requester"], str(drafted["offering_id"]))
    _place_one(market)
    return market


def _place_one(market: Market) -> None:
    # What the offering and its provider are reaches orders by events, a moment later.
    client = Client(market.base_url, api_key=market.api_key)
    people.once_ready(
        lambda: client.post("/orders", json.loads(market.order()), key=f"bench/{uuid4()}"),
        "orders.offering_not_found", "orders.offering_not_for_sale", "not_yet",
    )  # fmt: skip


def wait_until_calm(platform: Platform) -> None:
    """Until no event is under way any more, no queue holds one and no outside call is due."""
    import psycopg2

    until = time.monotonic() + CALM_TIMEOUT_S
    environment = platform.environment
    names = [name for name in environment if name.endswith("_DATABASE_URL") and "OWNER" not in name]
    while True:
        left = 0
        for name in names:
            with psycopg2.connect(environment[name]) as connection, connection.cursor() as cursor:
                cursor.execute(
                    "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM inbox WHERE status = 'ready')"
                    " + (SELECT count(*) FROM outside_call WHERE status IN ('ready', 'sent'))"
                )
                row = cursor.fetchone()
                left += row[0] if row else 0
            connection.close()
        if left == 0:
            return
        if time.monotonic() > until:
            raise TimeoutError(f"{left} events and outside calls are still under way")
        time.sleep(0.5)
