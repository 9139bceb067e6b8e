"""One invoice over a month's orders, through billing and invoicing: TV15; what is refunded before and after it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from lxml import etree

from services.billing.adapters.bank_queries import get_bank_line
from services.billing.use_cases import order as billing_order
from services.invoicing.adapters.queries import list_invoices
from services.invoicing.adapters.uninvoiced_repository import get_invoice_terms
from services.invoicing.adapters.unit_of_work import InvoicingUnitOfWork
from services.invoicing.config import InvoicingSettings
from services.invoicing.subscriptions import work
from services.invoicing.use_cases import collective_invoice, invoice, red_form
from services.invoicing.use_cases import order as invoicing_order
from services.invoicing.use_cases import organisation as invoicing_organisation
from services.shared.chassis.object_store import ObjectStore
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id
from services.shared.kernel.times import end_of_business_day
from services.shared.messages.billing.bank_line import GetBankLine
from services.shared.messages.billing.refund import RefundView
from services.shared.messages.invoicing.collective_invoice import (
    GetInvoiceTerms,
    InvoiceTermsView,
    InvoiceUninvoiced,
    SetInvoiceTerms,
    UninvoicedInvoiced,
)
from services.shared.messages.invoicing.invoice import InvoiceView, ListInvoices
from services.shared.messages.invoicing.red_letter import ConfirmRedForm, RecordRedForm
from tests.integration.billing.conftest import Billing
from tests.integration.billing.on_credit import ON_CREDIT, a_line, pay
from tests.integration.billing.refunding import approve, ask, bank_says
from tests.integration.billing.test_red_letters import House
from tests.kit import fakes_invoicing
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    FINANCE,
    NOW,
    OTHER_FINANCE,
    PROVIDER_ID,
    REQUESTER,
    amounts,
    an_actor,
    order_accepted,
)
from tests.kit.platform import ServiceDatabase
from tests.kit.real_service import RealService, together

MONTH_END = end_of_business_day(datetime(2026, 11, 30, 4, tzinfo=UTC).date())
SMALL = amounts(1_009, 61)


@pytest.fixture
def house(billing: Billing, service_database: Callable[[str], ServiceDatabase]) -> Iterator[House]:
    """A customer on credit, whose orders are invoiced by the month."""
    settings = InvoicingSettings(tax_platform_url="")
    target = service_database("invoicing")
    engine = target.engine(20)
    invoicing = RealService(target, engine, InvoicingUnitOfWork, NOW, work(settings))
    operator = fakes_invoicing.registered("operator", fakes_invoicing.OPERATOR_ID)
    for organisation in (operator, fakes_invoicing.registered("customer", CUSTOMER_ID)):
        invoicing.handle(invoicing_organisation.keep_copy, organisation)
    made = House(billing, invoicing, None)
    a_line(billing)
    by_month(made)
    yield made
    engine.dispose()


def by_month(house: House, timing: Any = "monthly_collective", now: datetime = NOW) -> InvoiceTermsView:
    wanted = SetInvoiceTerms(customer_id=CUSTOMER_ID, timing=timing)
    return house.invoicing.run(collective_invoice.set_invoice_terms, wanted, FINANCE, now)


def number_of(count: int) -> str:
    return f"OR-2026-{count:06d}"


def accepted(house: House, *counts: int, at: datetime = NOW, money: dict[str, Any] = SMALL, **how: Any) -> None:
    """Orders on credit, contracted and accepted on both sides, and everything told."""
    for count in counts:
        order_id, number = derived_id("order", count), number_of(count)
        terms = {**ON_CREDIT, **how}
        line = fakes_invoicing.a_line(net=money["net"].amount, quantity=1, tax=money["tax"])
        copied = fakes_invoicing.contracted(order_id, line, number=number, customer_id=CUSTOMER_ID, method="credit")
        house.invoicing.handle(invoicing_order.keep_copy, copied)
        house.billing.contracted(order_id, number, money=money, **terms)
        house.billing.handle(billing_order.accepted, order_accepted(order_id, number, money=money, at=at, **terms))
    house.settle()


def refunded(house: House, count: int, net: int) -> RefundView:
    made = approve(house.billing, ask(house.billing, net, derived_id("order", count)))
    house.settle()
    return made


def invoices(house: House) -> list[InvoiceView]:
    return list(house.invoicing.run(list_invoices, ListInvoices(), FINANCE).items)


def told(house: House) -> dict[str, int]:
    """How often invoicing has said what."""
    return dict(house.invoicing.rows("SELECT type, count(*) FROM outbox GROUP BY type"))


def now_wanted(house: House) -> tuple[str, ...]:
    wanted = InvoiceUninvoiced(customer_id=CUSTOMER_ID)

    def use_case(command: Any, *, actor: Any, uow: Any, now: datetime) -> Any:
        return collective_invoice.invoice_uninvoiced(
            command, actor=actor, uow=uow, now=now, number=invoice.number_invoice
        )

    made: UninvoicedInvoiced = house.invoicing.run(use_case, wanted, FINANCE)
    house.settle()
    return made.numbers


def test_tv15(house: House) -> None:
    """Three orders of net 10.09, tax 0.61 each: 30.27 + 1.83 = 32.10; the tax of the sum would be 1.82."""
    accepted(house, 1, 2, 3)
    assert invoices(house) == []
    assert house.invoicing.rows("SELECT count(*), sum(tax_minor) FROM tax_point") == [(3, 183)], "VAT is due now"
    house.pass_to(MONTH_END - timedelta(seconds=1))
    assert invoices(house) == []
    house.pass_to(MONTH_END)
    (made,) = invoices(house)
    assert (made.state, made.net.amount, made.tax.amount, made.gross.amount) == ("issued", 3_027, 183, 3_210)
    assert [(each.number, each.net.amount, each.tax.amount) for each in made.orders] == [
        (number_of(count), 1_009, 61) for count in (1, 2, 3)
    ]  # fmt: skip
    assert house.invoicing.rows("SELECT count(*) FROM outbox WHERE type = 'invoice.issued.v1'") == [(3,)]
    # From its day on the time to pay runs, for each order.
    assert house.billing.rows("SELECT state, invoice_number, amount, due_on::text FROM receivable") == [
        ("open", made.number, 1_070, "2026-12-31")
    ] * 3  # fmt: skip
    for count in (1, 2, 3):
        pay(house.billing, "10.70", f"s{count}", number_of(count))
    assert house.billing.rows("SELECT DISTINCT state FROM receivable") == [("paid",)]
    assert house.billing.balance("L:vat:output") == 183
    assert house.billing.violations() == ()


def test_one_transfer_by_what_the_invoice_asks_for(house: House, stack: dict[str, str]) -> None:
    """Sum and reference as the file says them pay every order on it."""
    accepted(house, 1, 2, 3)
    refunded(house, 1, 500)
    house.pass_to(MONTH_END)
    ((key,),) = house.invoicing.rows("SELECT xml ->> 'key' FROM invoice")
    store = ObjectStore(
        stack["YIQI_INVOICING_OBJECT_STORE_URL"], stack["YIQI_INVOICING_BUCKET"], stack["YIQI_INVOICING_RECORDS_BUCKET"]
    )
    said = etree.fromstring(store.fetch(key))
    bank_says(house.billing, ("s1", "in", said.findtext(".//{*}PayableAmount"), said.findtext(".//{*}PaymentID")))
    assert house.billing.rows("SELECT DISTINCT state, amount - paid FROM receivable") == [("paid", 0)]
    assert house.billing.balance("L:suspense:bank") == 0


def test_one_transfer_by_the_number_of_a_long_invoice(house: House) -> None:
    """More orders than a remittance text holds: the invoice's number pays all, exactly; another sum waits, split."""
    accepted(house, *range(1, 11))
    house.pass_to(MONTH_END)
    (made,) = invoices(house)
    less = bank_says(house.billing, ("s1", "in", "106.99", f"INV {made.number[4:]}")).lines[0]
    found = house.billing.run(get_bank_line, GetBankLine(bank_line_id=less.bank_line_id))
    (split,) = found.suggestions
    assert (found.state, split.reasons, len(split.parts)) == ("suspense", ("amount_under",), 10)
    assert sum(part.amount.amount for part in split.parts) == 10_699
    bank_says(house.billing, ("s2", "in", "107.00", f"发票{made.number}"))
    assert house.billing.rows("SELECT DISTINCT state, amount - paid FROM receivable") == [("paid", 0)]
    assert house.billing.balance("L:suspense:bank") == 10_699
    assert house.billing.violations() == ()


def test_what_is_refunded_before_it_is_not_on_it(house: House) -> None:
    """No red letter, the money does not wait; all of an order refunded, and it is not on the invoice at all."""
    accepted(house, 1, 2, 3)
    part, whole = refunded(house, 1, 500), refunded(house, 2, 1_009)
    for made in (part, whole):
        assert house.refund(made.refund_id) == "succeeded"
    house.pass_to(MONTH_END)
    (made_of,) = invoices(house)
    assert [(each.number, each.net.amount, each.tax.amount) for each in made_of.orders] == [
        (number_of(1), 509, 31), (number_of(3), 1_009, 61),
    ]  # fmt: skip
    assert (made_of.state, made_of.gross.amount) == ("issued", 1_610)
    assert house.red() == []
    assert house.billing.balance("R:service") == 1_518
    assert house.billing.balance("L:vat:output") == 92
    assert house.billing.violations() == ()


def test_what_is_refunded_afterwards_has_its_red_letter(house: House) -> None:
    """It names the invoice of the month, and takes back the order's part."""
    accepted(house, 1, 2, 3)
    house.pass_to(MONTH_END)
    made = refunded(house, 2, 1_009)
    assert (house.refund(made.refund_id), house.red()) == ("awaiting_red_letter", [("requested", None, 1_070)])
    ((order_id, number),) = house.invoicing.rows("SELECT order_id::text, invoice_number FROM red_letter")
    assert (UUID(order_id), number) == (derived_id("order", 2), invoices(house)[0].number)
    assert invoices(house)[0].state == "red_pending"
    form: dict[str, Any] = {"red_letter_id": derived_id("red_letter", made.refund_id), "number": "5000112611000123"}
    house.invoicing.run(red_form.record_red_form, RecordRedForm(**form, state="01"), FINANCE)
    house.invoicing.run(red_form.confirm_red_form, ConfirmRedForm(**form), OTHER_FINANCE)
    house.settle()
    assert (invoices(house)[0].state, house.refund(made.refund_id)) == ("partly_reversed", "succeeded")
    assert house.invoicing.rows("SELECT contents ->> 'order_number' FROM red_letter") == [(number_of(2),)]
    assert house.billing.violations() == ()
    found = house.invoicing.run(list_invoices, ListInvoices(order_id=derived_id("order", 3)), FINANCE).items
    assert [each.number for each in found] == [number]


def test_different_rates_and_terms_go_apart(house: House) -> None:
    accepted(house, 1, 2)
    accepted(house, 3, net_days=60)
    house.pass_to(MONTH_END)
    assert sorted(len(each.orders) for each in invoices(house)) == [1, 2]


def test_each_month_has_its_own(house: House) -> None:
    """An order accepted in the first moment of December is not November's; one that comes late is invoiced at once."""
    accepted(house, 1, at=MONTH_END - timedelta(seconds=1))
    accepted(house, 2, at=MONTH_END)
    house.pass_to(MONTH_END + timedelta(minutes=1))
    assert [[each.number for each in made.orders] for made in invoices(house)] == [[number_of(1)]]
    accepted(house, 3, at=MONTH_END - timedelta(days=2))
    house.pass_to(MONTH_END + timedelta(minutes=2))
    assert [[each.number for each in made.orders] for made in invoices(house)] == [[number_of(3)], [number_of(1)]]


def test_somebody_wants_it_now(house: House) -> None:
    """Twenty at once make one invoice, told again makes none, and the end of the month has nothing left to do."""
    accepted(house, 1, 2, 3)
    results = together([lambda: now_wanted(house)] * 20)
    assert sorted(len(each) for each in results if isinstance(each, tuple)) == [0] * 19 + [1]
    accepted(house, 1)
    house.pass_to(MONTH_END)
    (made,) = invoices(house)
    assert (made.gross.amount, len(made.orders)) == (3_210, 3)
    assert house.billing.violations() == ()


def test_invoiced_and_refunded_at_the_same_moment(house: House) -> None:
    """Either it is not on the invoice, or a red letter takes it back: never both, and never neither."""
    accepted(house, 1, 2)
    made = approve(house.billing, ask(house.billing, 1_009, derived_id("order", 1)))
    together([lambda: now_wanted(house), house.settle, house.settle])
    house.settle()
    (invoiced,) = invoices(house)
    on_it = len(invoiced.orders) == 2
    assert [each.number for each in invoiced.orders] == ([number_of(1)] if on_it else []) + [number_of(2)]
    assert invoiced.gross.amount == (2_140 if on_it else 1_070)
    assert house.red() == ([("requested", None, 1_070)] if on_it else [])
    assert told(house).get("invoice.reduced.v1", 0) == (0 if on_it else 1)
    assert house.refund(made.refund_id) == ("awaiting_red_letter" if on_it else "succeeded")
    assert house.billing.violations() == ()


def test_told_again_after_it_was_invoiced(house: House) -> None:
    """Acceptances and refunds from before and after the invoice: nothing is invoiced, lowered or taken back anew."""
    accepted(house, 1, 2, 3)
    refunded(house, 1, 500)
    house.pass_to(MONTH_END)
    refunded(house, 2, 1_009)
    once = {"invoice.issued.v1": 3, "invoice.reduced.v1": 1, "red_letter.requested.v1": 1, "tax_point.reached.v1": 3}
    before = invoices(house), house.red()
    assert told(house) == once
    house.read = {"billing": 0, "invoicing": 0}
    house.settle()
    house.pass_to(MONTH_END + timedelta(minutes=1))
    assert (told(house), (invoices(house), house.red())) == (once, before)
    assert house.billing.violations() == ()


def test_agreed_and_ended(house: House) -> None:
    """What waits stays with its month; what is accepted afterwards is invoiced at once. Others are not asked."""
    accepted(house, 1)
    later = NOW + timedelta(hours=1)
    by_month(house, "on_acceptance", later)
    accepted(house, 2, at=later)
    assert [made.order_number for made in invoices(house)] == [number_of(2)]
    read = GetInvoiceTerms(customer_id=CUSTOMER_ID)
    assert house.invoicing.run(get_invoice_terms, read, REQUESTER).timing == "on_acceptance"
    stranger = an_actor(PROVIDER_ID, "provider_finance")
    for use_case, wanted in (
        (get_invoice_terms, read),
        (collective_invoice.set_invoice_terms, SetInvoiceTerms(customer_id=CUSTOMER_ID, timing="on_acceptance")),
    ):
        with pytest.raises(NotFound):
            house.invoicing.run(use_case, wanted, stranger)
    with pytest.raises(NotFound):
        house.invoicing.run(
            collective_invoice.set_invoice_terms, SetInvoiceTerms(customer_id=PROVIDER_ID, timing="on_acceptance"),
            FINANCE,
        )  # fmt: skip
