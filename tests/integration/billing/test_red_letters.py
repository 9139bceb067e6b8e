"""A refund of what is invoiced, through billing and invoicing: the money leaves after the red letter and no sooner."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from lxml import etree

from services.billing.domain.refund import SameHands
from services.invoicing.adapters import tax_platform as adapter
from services.invoicing.adapters.unit_of_work import InvoicingUnitOfWork
from services.invoicing.config import InvoicingSettings
from services.invoicing.subscriptions import work
from services.invoicing.use_cases import order as invoicing_order
from services.invoicing.use_cases import organisation as invoicing_organisation
from services.invoicing.use_cases import red_form
from services.shared.chassis.definition import Subscription
from services.shared.chassis.object_store import ObjectStore
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.refund import RefundView, WaiveRedLetter
from services.shared.messages.invoicing.red_letter import ConfirmRedForm, RecordRedForm, RequestRedForm
from services.shared.messages.registry import events
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import approve, ask, card_says, waive_red_letter
from tests.kit import fakes_invoicing
from tests.kit.fakes_billing import CUSTOMER_ID, FINANCE, NOW, ORDER_ID, OTHER_FINANCE
from tests.kit.platform import ServiceDatabase
from tests.kit.real_service import RealService, together
from tests.kit.tax_platform import TOKEN, TaxPlatformStandIn, tax_platform
from tests.kit.waiting import wait_until


class House:
    """
    Billing and invoicing beside each other; each event of one reaches the other twice.

    Attributes:
        at: Business time.
    """

    def __init__(self, billing: Billing, invoicing: RealService[InvoicingUnitOfWork], platform: Any) -> None:
        self.billing = billing
        self.invoicing = invoicing
        self.platform: TaxPlatformStandIn = platform
        self.at = NOW
        self.read = {"billing": 0, "invoicing": 0}

    def carry(self) -> int:
        """Carry what one has said to the other. Returns how much that was."""
        carried = 0
        for name, source, target in (
            ("billing", self.billing, self.invoicing), ("invoicing", self.invoicing, self.billing),
        ):  # fmt: skip
            rows = source.rows("SELECT id, type, data FROM outbox WHERE id > %s ORDER BY id", (self.read[name],))
            for number, kind, data in rows:
                self.read[name] = number
                carried += 1
                for _ in range(2):
                    for heard in _listening(target, kind):
                        target.handle(heard.use_case, events()[kind].parse(data), self.at)
        return carried

    def settle(self) -> None:
        """Everything that can happen now happens; Stripe is asked nothing."""
        while self.carry() + self.invoicing.do_outside(self.at):
            pass

    def pass_to(self, at: datetime) -> None:
        """Time passes; what is due by then is done."""
        self.at = at
        if self.platform is not None:
            self.platform.at(at)
        self.invoicing.run_timers(at)
        self.settle()

    def refund(self, refund_id: UUID) -> str:
        ((state,),) = self.billing.rows("SELECT state FROM refund WHERE refund_id = %s", (str(refund_id),))
        return str(state)

    def red(self) -> list[tuple[str, str | None, int]]:
        """State, number and gross taken back of each red letter, by their numbers."""
        return self.invoicing.rows(
            "SELECT state, number, net_minor + tax_minor FROM red_letter ORDER BY number, red_letter_id"
        )

    def invoice(self) -> str:
        ((state,),) = self.invoicing.rows("SELECT state FROM invoice")
        return str(state)


def _listening(target: RealService[Any], kind: str) -> list[Subscription]:
    return [each for each in target.work.subscriptions if each.event.wire_name == kind]


@pytest.fixture(scope="module")
def stand_in_of_the_bureau() -> Iterator[TaxPlatformStandIn]:
    with tax_platform() as started:
        yield started


@pytest.fixture
def platform(stand_in_of_the_bureau: TaxPlatformStandIn) -> TaxPlatformStandIn:
    stand_in_of_the_bureau.control(reset=True)
    return stand_in_of_the_bureau


def _house(billing: Billing, target: ServiceDatabase, platform: TaxPlatformStandIn | None) -> Iterator[House]:
    settings = InvoicingSettings(tax_platform_url=platform.url if platform else "", tax_platform_token=TOKEN)
    engine = target.engine(10)
    invoicing = RealService(target, engine, InvoicingUnitOfWork, NOW, work(settings))
    order = fakes_invoicing.contracted(ORDER_ID, number="OR-2026-000123", customer_id=CUSTOMER_ID, method="card")
    invoicing.handle(invoicing_order.keep_copy, order)
    operator = fakes_invoicing.registered("operator", fakes_invoicing.OPERATOR_ID)
    for organisation in (operator, fakes_invoicing.registered("customer", CUSTOMER_ID)):
        invoicing.handle(invoicing_organisation.keep_copy, organisation)
    made = House(billing, invoicing, platform)
    billing.accepted()
    made.settle()
    assert made.invoice() == "issued"
    yield made
    engine.dispose()


@pytest.fixture
def house(
    billing: Billing, service_database: Callable[[str], ServiceDatabase], platform: TaxPlatformStandIn
) -> Iterator[House]:
    """TV01 accepted and invoiced, where a tax platform is connected."""
    yield from _house(billing, service_database("invoicing"), platform)


@pytest.fixture
def by_hand(billing: Billing, service_database: Callable[[str], ServiceDatabase]) -> Iterator[House]:
    """The same without a platform."""
    yield from _house(billing, service_database("invoicing"), None)


def agreed(house: House, net: int) -> RefundView:
    made = approve(house.billing, ask(house.billing, net))
    assert made.state == "awaiting_red_letter"
    return made


def whole(house: House) -> None:
    """I16: what is invoiced and taken back is what is left of the order, and the ledger says the same."""
    ((net, tax),) = house.invoicing.rows(
        "SELECT (contents #>> '{net,amount}')::bigint - red_issued_net_minor,"
        " (contents #>> '{tax,amount}')::bigint - red_issued_tax_minor FROM invoice"
    )
    assert (net, tax) == (house.billing.balance("R:service"), house.billing.balance("L:vat:output"))
    assert house.billing.violations() == ()


def test_tv23_the_buyer_had_confirmed_the_invoice(house: House, stack: dict[str, str]) -> None:
    """Form 02; day 3: 07; asked for anew, 04; only then red -1,000.00 / -60.00, and 1,060.00 to the card."""
    house.platform.control(used=["INV-2026-000001"])
    made = agreed(house, 100_000)
    house.settle()
    assert (house.platform.states, house.invoice()) == (["02"], "red_pending")
    for hours in (1, 24, 48, 71):
        house.pass_to(NOW + timedelta(hours=hours))
        assert (house.red(), house.refund(made.refund_id)) == ([("unconfirmed", None, 106_000)], "awaiting_red_letter")
    house.pass_to(NOW + timedelta(hours=72))
    assert house.platform.states == ["07", "02"]
    assert house.refund(made.refund_id) == "awaiting_red_letter"
    assert house.billing.balance(f"L:refund:{made.refund_id}") == 0
    house.platform.control(decide="04")
    house.pass_to(NOW + timedelta(hours=74))
    assert house.red() == [("issued", "RED-2026-000001", 106_000)]
    assert (house.invoice(), house.refund(made.refund_id)) == ("reversed", "pending")
    assert house.billing.rows("SELECT payload ->> 'amount' FROM outside_call WHERE kind = 'create_stripe_refund'") == [
        ("106000",)
    ]
    card_says(house.billing, made)
    assert house.refund(made.refund_id) == "succeeded"
    whole(house)
    ((key,),) = house.invoicing.rows("SELECT xml ->> 'key' FROM red_letter")
    store = ObjectStore(
        stack["YIQI_INVOICING_OBJECT_STORE_URL"], stack["YIQI_INVOICING_BUCKET"], stack["YIQI_INVOICING_RECORDS_BUCKET"]
    )
    root = etree.fromstring(store.fetch(key))
    assert etree.QName(root).localname == "CreditNote"
    assert root.findtext(".//{*}InvoiceDocumentReference/{*}ID") == "INV-2026-000001"
    assert root.findtext(".//{*}PayableAmount") == "1060.00"


def test_where_nobody_need_confirm_it_is_issued_at_once(house: House) -> None:
    """A third, by form 01: the rest stays invoiced."""
    made = agreed(house, 33_333)
    house.settle()
    assert (house.red(), house.invoice()) == ([("issued", "RED-2026-000001", 35_333)], "partly_reversed")
    assert house.refund(made.refund_id) == "pending"
    whole(house)


def test_the_buyer_denies_and_two_people_let_the_money_go(house: House) -> None:
    """Then it is confirmed after all: the red letter is issued, and nothing is paid twice."""
    house.platform.control(used=["INV-2026-000001"])
    made = agreed(house, 33_333)
    house.settle()
    house.platform.control(decide="05")
    house.pass_to(NOW + timedelta(hours=1))
    assert house.red() == [("refused", None, 35_333)]
    assert house.invoicing.rows("SELECT count(*) FROM outbox WHERE type = 'red_letter.refused.v1'") == [(1,)]
    assert house.refund(made.refund_id) == "awaiting_red_letter"
    waive = WaiveRedLetter(refund_id=made.refund_id)
    house.billing.run(waive_red_letter, waive)
    with pytest.raises(SameHands):
        house.billing.run(waive_red_letter, waive, FINANCE)
    house.billing.run(waive_red_letter, waive, OTHER_FINANCE)
    card_says(house.billing, made)
    wanted = RequestRedForm(red_letter_id=derived_id("red_letter", made.refund_id))
    house.invoicing.within(
        lambda uow: red_form.request_red_form(
            wanted, actor=fakes_invoicing.FINANCE_OPERATOR, uow=uow, now=house.at, platform=True
        )
    )
    house.settle()
    house.platform.control(decide="04")
    house.pass_to(NOW + timedelta(hours=2))
    assert (house.red(), house.invoice()) == ([("issued", "RED-2026-000001", 35_333)], "partly_reversed")
    assert house.refund(made.refund_id) == "succeeded"
    assert house.billing.rows("SELECT count(*) FROM outside_call WHERE kind = 'create_stripe_refund'") == [(1,)]
    whole(house)


def test_thirds_at_once_sum_to_the_invoice(house: House) -> None:
    """TV10: three refunds are told at once by three; the last fen is taken back, and not one more."""
    for net in (33_333, 33_333, 33_334):
        agreed(house, net)
    rows = house.billing.rows("SELECT data FROM outbox WHERE type = 'refund.agreed.v1' ORDER BY id")
    told = [events()["refund.agreed.v1"].parse(data) for (data,) in rows]
    (listening,) = _listening(house.invoicing, "refund.agreed.v1")
    together([partial(house.invoicing.handle, listening.use_case, event) for event in told * 3])
    house.settle()
    assert [number for _, number, _ in house.red()] == [f"RED-2026-{n:06d}" for n in (1, 2, 3)]
    assert sorted(gross for _, _, gross in house.red()) == [35_333, 35_333, 35_334]
    assert (house.invoice(), len(house.platform.forms)) == ("reversed", 3)
    whole(house)


@pytest.mark.parametrize("fault", ["silent", "late", "error", "garbage"])
@pytest.mark.parametrize("at", [0, 1], ids=["when it is looked for", "when it is entered"])
def test_whatever_the_platform_does_one_form_is_entered(
    house: House, fault: str, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It acts and says nothing, or too late, or nonsense: the form is found again, and no second one entered."""
    monkeypatch.setattr(adapter, "TIMEOUT_S", (1.0, 1.0))
    house.platform.control(faults=[""] * at + [fault])
    agreed(house, 33_333)
    house.settle()
    assert house.red()[0][0] == "requested"  # it is tried again, later
    house.at += timedelta(hours=1)
    house.settle()
    assert house.red() == [("issued", "RED-2026-000001", 35_333)]
    assert len(house.platform.forms) == 1
    whole(house)


def test_a_form_that_is_there_already_is_the_form(house: House) -> None:
    """Another caller entered it between our look and our request: the platform takes no second one."""
    house.platform.control(faults=["", "conflict"])
    agreed(house, 33_333)
    house.settle()
    assert (house.red()[0][0], len(house.platform.forms)) == ("issued", 1)


def test_a_form_that_is_there_and_not_shown_yet_is_waited_for(house: House) -> None:
    """The platform says that it has the form, and not which: nobody is to enter another beside it."""
    house.platform.control(faults=["", "conflict", "hidden"])
    agreed(house, 33_333)
    house.settle()
    assert house.red()[0][0] == "requested"
    house.at += timedelta(hours=1)
    house.settle()
    assert (house.red()[0][0], len(house.platform.forms)) == ("issued", 1)


def test_what_the_platform_refuses_waits_for_staff(house: House) -> None:
    house.platform.control(faults=["", "refuse"])
    made = agreed(house, 33_333)
    house.settle()
    ((state, problem),) = house.invoicing.rows("SELECT state, problem FROM red_letter")
    assert (state, problem) == ("refused", "invoice_unknown: no such invoice 未找到发票")
    assert house.refund(made.refund_id) == "awaiting_red_letter"


def test_what_was_true_before_is_no_news(house: House) -> None:
    """The platform repeats 02 when the form is confirmed already; nothing lapses, the next answer counts."""
    house.platform.control(used=["INV-2026-000001"])
    agreed(house, 33_333)
    house.settle()
    house.platform.control(decide="04", faults=["stale"])
    house.pass_to(NOW + timedelta(hours=1))
    assert house.red()[0][0] == "unconfirmed"
    house.pass_to(NOW + timedelta(hours=2))
    assert house.red()[0][0] == "issued"


@pytest.mark.parametrize("moment", ["outside_call_sent", "outside_call_done"])
def test_killed_over_the_form_it_is_entered_once(house: House, moment: str) -> None:
    """Before the platform hears of it, and after it has answered."""
    made = agreed(house, 33_333)
    house.carry()
    environment = {
        **os.environ, "YIQI_INVOICING_DATABASE_URL": house.invoicing.database.url,
        "YIQI_INVOICING_TAX_PLATFORM_URL": house.platform.url, "YIQI_INVOICING_TAX_PLATFORM_TOKEN": TOKEN,
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.kit.outside_caller", "invoicing"]
    with subprocess.Popen(command, env={**environment, "YIQI_FAILPOINT": f"{moment}:crash"}) as dying:
        assert dying.wait(timeout=60) == 137
    assert len(house.platform.forms) == (moment == "outside_call_done")
    with subprocess.Popen(command, env=environment) as living:
        wait_until(lambda: house.red()[0][0] == "issued", 60)
        living.send_signal(signal.SIGKILL)
    house.settle()
    assert len(house.platform.forms) == 1
    assert house.refund(made.refund_id) == "pending"
    whole(house)


def test_two_of_staff_where_there_is_no_platform(by_hand: House) -> None:
    """One records the form, another confirms it; the first alone moves no money."""
    made = agreed(by_hand, 33_333)
    by_hand.settle()
    wanted = derived_id("red_letter", made.refund_id)
    record = RecordRedForm(red_letter_id=wanted, number="5000112611000123", state="02")
    by_hand.invoicing.run(red_form.record_red_form, record, fakes_invoicing.FINANCE_OPERATOR)
    by_hand.settle()
    assert by_hand.refund(made.refund_id) == "awaiting_red_letter"
    second = fakes_invoicing.an_actor(fakes_invoicing.OPERATOR_ID, "finance_operator", operator=True)
    confirm = ConfirmRedForm(red_letter_id=wanted, number="5000112611000123")
    by_hand.invoicing.run(red_form.confirm_red_form, confirm, second)
    by_hand.settle()
    assert by_hand.red() == [("issued", "RED-2026-000001", 35_333)]
    assert by_hand.refund(made.refund_id) == "pending"
    whole(by_hand)
