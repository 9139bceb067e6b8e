"""
Whole journeys for tests: a platform that runs in full, the parties, and driving an order from one point to another.

The steps themselves are those of `infra/demo/journey.py`: each may be repeated after any failure.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from infra.demo import journey as steps
from infra.demo import people, proof
from infra.demo import settlement as settling
from infra.demo.client import Client, Json, sign_in
from infra.demo.figures import Figures
from infra.demo.journey import Journey
from infra.demo.people import Cast, Organisation, Particulars
from infra.demo.platform import Platform
from infra.demo.report_file import report_pdf
from infra.local import state
from infra.local.environment import gateway_url
from infra.local.state import ROOT
from services.shared.kernel.ids import new_id
from services.shared.kernel.times import business_date
from tests.kit.channel_control import ChannelStandIn
from tests.kit.finance_control import SECRET, FinanceStandIn

PASSWORD = "correct horse battery staple"
ONE_SAMPLE: Sequence[Json] = ({"customer_code": "S-1", "description": "粉末 powder", "quantity": 2},)
REPORT = report_pdf(("Test report", "Result: as ordered"))
HOLD = timedelta(days=7)
ACCEPTANCE = timedelta(days=10)


LINK = "e2e-link"


@dataclass(frozen=True)
class Outside:
    """
    Parties outside, as stand-ins in processes of their own, which the platform is connected to.

    Attributes:
        university: Credit code of the university whose finance system *finance* is.
    """

    channel: ChannelStandIn
    finance: FinanceStandIn
    university: str

    @property
    def settings(self) -> dict[str, str]:
        systems = {self.university: {"url": self.finance.url, "secret": SECRET, "fee_bps": 500}}
        return {
            "YIQI_BILLING_CHANNEL_API_BASE": self.channel.url,
            "YIQI_BILLING_CHANNEL_MERCHANT": self.channel.merchant,
            "YIQI_BILLING_CHANNEL_SECRET": self.channel.secret,
            "YIQI_BILLING_CHANNEL_WEBHOOK_SECRET": self.channel.webhook_secret,
            "YIQI_BILLING_FINANCE_SYSTEMS": json.dumps(systems),
        }


@contextmanager
def running_platform() -> Iterator[tuple[Platform, Outside]]:
    """
    The whole platform, private: in `var/test-e2e`, thrown away at the end; or in the folder that YIQI_TEST_STACK
    names with `-e2e` behind it, which is left running and makes repeated runs quick. With it who is outside.
    """
    kept = os.environ.get("YIQI_TEST_STACK")
    platform = Platform((ROOT / f"{kept or 'var/test'}-e2e").resolve())
    if kept is None and platform.directory.exists():
        platform.clean()
        (platform.directory / LINK).unlink(missing_ok=True)  # of the platform that is gone
    with state.alone(platform.directory):
        stack = platform.stack
        webhooks = f"{gateway_url(stack)}/v1/webhooks/split-channel"
        stack.save()  # the port was chosen just now
    with ChannelStandIn(webhook_url=webhooks) as channel, FinanceStandIn() as finance:
        outside = Outside(channel, finance, people.credit_code(new_number()))
        platform.settings = outside.settings
        platform.up()
        try:
            yield platform, outside
        finally:
            if kept is None:
                platform.clean()


@dataclass
class Stage:
    """
    A platform and the parties on it, all new, with a client for each role.

    Attributes:
        referred: A customer that *station* brought; *customer*: one that nobody brought.
        rivals: A customer, provider and station that are no party to anything.
        cashiers: Two people of the operating company's finance, signed in.
    """

    platform: Platform
    operator: Organisation
    referred: Organisation
    customer: Organisation
    provider: Organisation
    station: Organisation
    rivals: Sequence[Organisation]
    cashiers: tuple[Client, Client]
    offerings: dict[tuple[str, int], str] = field(default_factory=dict)

    @property
    def with_station(self) -> Cast:
        return Cast(self.operator, self.referred, self.provider, self.station)

    def without_station(self, provider: Organisation | None = None) -> Cast:
        return Cast(self.operator, self.customer, provider or self.provider)

    def begin(self, cast: Cast, name: str = "") -> Journey:
        """A journey of its own; *name* for people who read logs."""
        return Journey(f"{name}-{new_id().hex}", cast, self.platform.now())

    def offering(self, provider: Organisation, unit_price: int) -> str:
        """An offering of *provider* at *unit_price* fen per sample, net; the same one each time."""
        known = (provider.organisation_id, unit_price)
        if known not in self.offerings:
            title = f"XRD {unit_price}"
            self.offerings[known] = people.publish_offering(provider, self.operator, title, unit_price)
        return self.offerings[known]

    def clients(self) -> dict[str, Client]:
        """Everybody who can send a request: role, with *rival* before it where they are no party; and nobody."""
        own = (self.operator, self.referred, self.provider, self.station)
        found = {role: organisation[role] for organisation in own for role in organisation.api_keys}
        found |= {f"rival {role}": rival[role] for rival in self.rivals for role in rival.api_keys}
        return {**found, "nobody": Client(self.platform.base_url)}


def new_number() -> int:
    """For a credit code that nobody has used on this stack before."""
    return new_id().int % 60_000_000


def newcomer(
    stage_url: str, operator: Organisation, kind: Literal["customer", "provider", "station"],
    *, taxpayer: str = "general_6", special_invoices: bool = True,
) -> Organisation:  # fmt: skip
    """A verified organisation with a random credit code; a provider is let in."""
    number = new_number()
    particulars = Particulars(
        kind,
        legal_name=f"测试{kind}{number}",
        legal_name_en=f"Test {kind} {number}",
        credit_code=people.credit_code(number),
        mail=f"office@{kind}-{number}.example",
        taxpayer=taxpayer,
        special_invoices=special_invoices,
        account_number=None if kind == "customer" else f"62{number:015d}",
    )
    return people.sign_up(stage_url, operator, particulars)


def set_stage(platform: Platform) -> Stage:
    """Found the operating company where there is none yet, and sign up everybody else anew."""
    url, mail = platform.base_url, "administrator@yiqi.example"
    link = platform.directory / LINK
    if not link.exists():
        link.write_text(platform.create_admin(mail))
    operator = people.found_operator(url, mail, PASSWORD, link.read_text())
    people.publish_plan(operator)
    roles = ("finance_operator", "second_finance_operator")
    people.give_logins(operator, operator["administrator"], roles, "yiqi.example", PASSWORD)
    logins = [operator.logins[role] for role in roles]
    first, second = (sign_in(url, login.mail, login.password) for login in logins)
    kinds: tuple[Literal["customer", "provider", "station"], ...] = ("customer", "provider", "station")
    rivals = [newcomer(url, operator, kind) for kind in kinds]
    referred, customer = newcomer(url, operator, "customer"), newcomer(url, operator, "customer")
    provider, station = newcomer(url, operator, "provider"), newcomer(url, operator, "station")
    stage = Stage(platform, operator, referred, customer, provider, station, rivals, (first, second))
    station_id = stage.station.organisation_id
    people.confirm_referral(stage.with_station, "letter of recommendation", key=f"referral/{station_id}")
    return stage


def to_contracted(journey: Journey, offering_id: str, method: steps.Method = "card") -> str:
    """Order one unit at the published price and have everybody sign. Answers the order's id."""
    order_id: str = steps.place_order(journey, offering_id, 1, ONE_SAMPLE, method)["order_id"]
    steps.sign_by_all(journey, order_id)
    return order_id


def to_paid(stage: Stage, journey: Journey, order_id: str) -> None:
    """Pay in the way that was agreed, and wait for the release."""
    client = journey.cast.customer["requester"]
    if steps.order_of(client, order_id)["payment_method"] == "card":
        steps.pay_by_card(journey, order_id, stage.platform.stripe_url)
    else:
        steps.pay_by_transfer(journey, order_id)
    steps.wait_for_state(client, order_id, "released", "in_progress", "delivered", "accepted", "closed")


def to_delivered(journey: Journey, order_id: str) -> None:
    """Parcel, bench, report; waits until the order is delivered."""
    steps.dispatch(journey, order_id)
    steps.receive(journey, order_id)
    steps.analyse(journey, order_id)
    steps.upload_report(journey, order_id, REPORT)
    steps.wait_for_state(journey.cast.customer["requester"], order_id, "delivered", "accepted", "closed")


def to_invoiced(stage: Stage, journey: Journey, order_id: str) -> list[Json]:
    """Close the statements over an accepted order and send their invoices. Answers the statements."""
    today = business_date(stage.platform.now()).isoformat()
    settlements = settling.close_settlements(journey, order_id, today)
    for settlement in settlements:
        answered = settling.send_invoice(journey.cast, settlement)
        if answered["state"] != "matched":
            raise AssertionError(f"{settlement['number']}: {answered['state']} {answered['reason']}")
    return settlements


def to_closed(stage: Stage, journey: Journey, order_id: str, settlements: Sequence[Json]) -> None:
    """Pay the statements out, once the hold period is over, and wait until the order is closed."""
    first, second = stage.cashiers
    settling.pay_out(journey.cast, settlements, first, second)
    steps.wait_for_state(journey.cast.operator["contract_operator"], order_id, "closed")


def whole_card_order(stage: Stage, journey: Journey, offering_id: str) -> str:
    """From the order to the matched invoices, by card, accepted by hand. Answers the order's id."""
    order_id = to_contracted(journey, offering_id)
    to_paid(stage, journey, order_id)
    to_delivered(journey, order_id)
    steps.accept_order(journey, order_id)
    to_invoiced(stage, journey, order_id)
    return order_id


def all_is_well(stage: Stage, orders: Mapping[str, tuple[Cast, Figures]]) -> list[str]:
    """What is wrong after journeys: queues, books, and the figures of settled *orders* (id → parties, expected)."""
    wrong = proof.settled(lambda: proof.nothing_waits(stage.platform, stage.operator), 60)
    wrong += proof.settled(lambda: proof.books_hold(stage.operator), 30)
    for order_id, (cast, expected) in orders.items():
        wrong += proof.figures_hold(cast, order_id, expected)
        wrong += proof.contract_is_empty(cast, order_id)
    return wrong


def listed(client: Client, path: str, name: str) -> dict[str, str]:
    """Id → state of everything at *path* (the newest two hundred)."""
    return {str(item[name]): str(item.get("state", "")) for item in client.get(path, limit=200)["items"]}


def mails_of(platform: Platform) -> list[Path]:
    return sorted(platform.mail_folder.rglob("*.eml"))
