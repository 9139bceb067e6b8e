"""I12, I15, I16: the ledger, its refunds and what is invoiced say the same; whatever parts them is seen."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from services.billing.domain.ledger import OUTPUT_VAT, SERVICE_REVENUE, Entry, entries
from services.billing.use_cases import invoice, ledger, refund
from services.billing.use_cases.ledger import post_transaction
from services.shared.kernel.fee import Fee, Tier, Tiers
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.ledger import CheckInvariants
from services.shared.messages.billing.refund import RefundView, WaiveRedLetter
from services.shared.messages.invoicing.collective_invoice import InvoiceReduced
from services.shared.messages.invoicing.invoice import InvoiceIssued
from services.shared.messages.invoicing.red_letter import RedLetterIssued
from tests.integration.billing import agent_orders, on_project_funds
from tests.integration.billing.conftest import Billing
from tests.integration.billing.on_project_funds import finance, university
from tests.integration.billing.refunding import approve, ask, waive_red_letter
from tests.integration.billing.test_agent_orders import accepted
from tests.kit.channel_control import ChannelControl
from tests.kit.fakes_billing import COOLING_OFF, CUSTOMER_ID, FINANCE, NOW, ORDER_ID, OTHER_FINANCE, PROVIDER_ID, cny
from tests.kit.finance_control import FinanceControl
from tests.kit.trade_vectors import AGENT_VECTORS

__all__ = ["finance", "university"]

NUMBER = "OR-2026-000123"
MONTH = timedelta(days=31)


def blue(
    billing: Billing, net: int, tax: int, buyer_id: UUID = CUSTOMER_ID, *, days: int = 0, of: RefundView | None = None
) -> None:
    """Invoicing says so, twice. *of*: over what this refund made the commission more."""
    refund_id = of.refund_id if of is not None else None
    told = InvoiceIssued(
        invoice_id=derived_id("invoice", refund_id or ORDER_ID), refund_id=refund_id,
        number="INV-2026-000001", order_id=ORDER_ID, order_number=NUMBER,
        customer_id=buyer_id, net=cny(net), tax=cny(tax), gross=cny(net + tax), tax_rate_bps=600,
        issued_at=NOW + timedelta(days=days), pdf_sha256="0" * 64, xml_sha256="0" * 64,
    )  # fmt: skip
    for _ in range(2):
        billing.handle(invoice.keep_copy, told)


def red(
    billing: Billing, of: RefundView, net: int, tax: int, buyer_id: UUID = CUSTOMER_ID, *, n: int = 1, parts: int = 1
) -> None:
    """Likewise, the *n*th of the refund's; what follows from it follows in the same order as in `work`."""
    told = RedLetterIssued(
        red_letter_id=derived_id("red_letter", of.refund_id, n), parts=parts, refund_id=of.refund_id,
        invoice_id=derived_id("invoice", ORDER_ID), invoice_number="INV-2026-000001", order_id=ORDER_ID,
        order_number=NUMBER, customer_id=buyer_id, net=cny(-net), tax=cny(-tax), gross=cny(-net - tax),
        number=f"RED-{of.number}-{n}", form_number="5000112611000123", form_state="01", tax_rate_bps=600, issued_at=NOW,
        pdf_sha256="0" * 64, xml_sha256="0" * 64,
    )  # fmt: skip
    for _ in range(2):
        billing.handle(partial(refund.red_letter_issued, cooling_off=COOLING_OFF), told)
        billing.handle(invoice.keep_red_letter, told)


def seen(billing: Billing) -> set[str]:
    """Which invariants do not hold."""
    return {each.split()[0] for each in billing.violations()}


def book(billing: Billing, given: Sequence[Entry], key: str = "wrong") -> None:
    billing.within(
        lambda uow: post_transaction(
            uow, key=key, kind="wrong", entries=given, effective_at=NOW, now=NOW, order=(ORDER_ID, NUMBER)
        )
    )


def test_they_hold_from_the_invoice_to_its_red_letters(billing: Billing) -> None:
    """Before the invoice, with it, while a red letter is awaited, and after two of them took back all but a fen."""
    billing.accepted()
    assert billing.violations() == ()
    blue(billing, 100_000, 6_000)
    assert billing.violations() == ()
    for net, tax in ((33_333, 2_000), (66_666, 4_000)):
        made = approve(billing, ask(billing, net))
        assert billing.violations() == ()
        red(billing, made, net, tax)
        assert billing.violations() == ()
    ((net, tax),) = billing.rows("SELECT sum(net)::bigint, sum(tax)::bigint FROM invoice_copy")
    assert (net, tax) == (1, 0) == (billing.balance("R:service"), billing.balance("L:vat:output"))


@pytest.mark.parametrize(("net", "tax"), [(99_999, 6_000), (100_000, 6_001), (0, 0)])
def test_an_invoice_of_another_amount_is_seen(billing: Billing, net: int, tax: int) -> None:
    billing.accepted()
    blue(billing, net, tax)
    assert seen(billing) == ({"I12", "I16"} if tax == 6_000 else {"I12", "I15", "I16"})


def test_an_invoice_to_somebody_else_is_seen(billing: Billing) -> None:
    billing.accepted()
    blue(billing, 100_000, 6_000, PROVIDER_ID)
    assert seen(billing) == {"I16"}


def test_an_invoice_of_what_is_not_accepted_is_seen(billing: Billing) -> None:
    billing.contracted()
    blue(billing, 100_000, 6_000)
    assert seen(billing) == {"I12", "I16"}


@pytest.mark.parametrize(("net", "tax"), [(33_332, 2_000), (33_333, 1_999)])
def test_a_red_letter_of_another_amount_is_seen(billing: Billing, net: int, tax: int) -> None:
    billing.accepted()
    blue(billing, 100_000, 6_000)
    red(billing, approve(billing, ask(billing, 33_333)), net, tax)
    assert seen(billing) == ({"I12", "I16"} if tax == 2_000 else {"I12", "I15", "I16"})


def test_a_red_letter_of_no_refund_is_seen(billing: Billing) -> None:
    billing.accepted()
    blue(billing, 100_000, 6_000)
    red_letter_of_nothing = (
        "INSERT INTO invoice_copy VALUES"
        " (gen_random_uuid(), 'red', 'RED-9', %s, gen_random_uuid(), %s, -1, 0, 'CNY', %s)"
    )
    billing.database.change(red_letter_of_nothing, (ORDER_ID, CUSTOMER_ID, NOW))
    assert seen(billing) == {"I12", "I16"}


def test_a_waived_red_letter_is_awaited_and_listed_by_its_age(billing: Billing) -> None:
    """The money has left; the invoice still says all of it. When the red letter comes after all, nothing is left."""
    billing.accepted()
    blue(billing, 100_000, 6_000)
    made = approve(billing, ask(billing, 33_333))
    waive = WaiveRedLetter(refund_id=made.refund_id)
    billing.run(waive_red_letter, waive, FINANCE)
    assert awaited(billing) == (f"{NUMBER}, refund {made.number}: 33333 CNY net, 40 days, its money waits",)
    billing.run(waive_red_letter, waive, OTHER_FINANCE)
    assert billing.balance("R:service") == 66_667
    assert billing.violations() == ()
    assert awaited(billing) == (f"{NUMBER}, refund {made.number}: 33333 CNY net, 40 days, its money may leave",)
    red(billing, made, 33_333, 2_000)
    assert billing.violations() == ()
    assert awaited(billing) == ()


@pytest.mark.parametrize(("net", "tax", "wrong"), [(66_667, 4_000, set()), (100_000, 6_000, {"I12", "I15", "I16"})])
def test_a_refund_before_the_months_invoice(billing: Billing, net: int, tax: int, wrong: set[str]) -> None:
    """The invoice says so much less, and no red letter is awaited; one that says all of it is seen."""
    billing.accepted()
    made = approve(billing, ask(billing, 33_333))
    told = InvoiceReduced(
        refund_id=made.refund_id, order_id=ORDER_ID, order_number=NUMBER, customer_id=CUSTOMER_ID, net=cny(33_333),
        tax=cny(2_000), gross=cny(35_333),
    )  # fmt: skip
    for _ in range(2):
        billing.handle(partial(refund.invoice_reduced, cooling_off=COOLING_OFF), told)
        billing.handle(invoice.keep_reduction, told)
    assert billing.violations() == ()
    blue(billing, net, tax, days=20)
    assert (seen(billing), awaited(billing)) == (wrong, ())


def awaited(billing: Billing) -> tuple[str, ...]:
    answer = billing.run(ledger.check_invariants, CheckInvariants(), now=NOW + timedelta(days=40))
    return answer.red_letters_awaited


def test_vat_that_nobody_invoiced_or_declared_is_seen(billing: Billing) -> None:
    """Of the order, and of none at all."""
    billing.accepted()
    blue(billing, 100_000, 6_000)
    book(billing, entries(("D", SERVICE_REVENUE, cny(1)), ("C", OUTPUT_VAT, cny(1))))
    assert seen(billing) == {"I12", "I15"}


def test_an_invoice_of_the_next_month_counts_in_the_month_of_the_acceptance(billing: Billing) -> None:
    """Until then it is declared without one; I15 holds for both months, before and after."""
    billing.accepted()
    assert billing.violations() == ()
    blue(billing, 100_000, 6_000, days=40)
    assert billing.violations() == ()


def test_a_month_that_lost_its_vat_to_another_is_seen(billing: Billing) -> None:
    """Sums over all months are right; those of each are not."""
    billing.accepted()
    blue(billing, 100_000, 6_000)
    for key, at, sides in (("out", NOW, "DC"), ("in", NOW - MONTH, "CD")):
        given = entries((sides[0], OUTPUT_VAT, cny(500)), (sides[1], "A:vat:input", cny(500)))  # type: ignore[arg-type]
        billing.within(
            lambda uow, key=key, given=given, at=at: post_transaction(  # type: ignore[misc]
                uow, key=key, kind="wrong", entries=given, effective_at=at, now=NOW
            )
        )
    assert len([each for each in billing.violations() if each.startswith("I15")]) == 2


def test_the_commission_is_invoiced_to_the_provider_and_taken_back(billing: Billing, channel: ChannelControl) -> None:
    """TV05: 100.00 and 6.00 to the provider; the order's own 1,010.00 are the provider's to invoice."""
    agent_orders.paid(billing, channel)
    agent_orders.split(billing)
    assert billing.violations() == ()
    blue(billing, 10_000, 600, PROVIDER_ID)
    assert billing.violations() == ()
    made = agent_orders.give_back(billing, 50_000)
    assert billing.violations() == ()
    ((net, tax),) = billing.rows(
        "SELECT (takes ->> 'net')::bigint - (takes ->> 'provider_net')::bigint,"
        " (takes ->> 'tax')::bigint - (takes ->> 'provider_tax')::bigint FROM refund"
    )
    assert net > 0
    red(billing, made, net, tax, PROVIDER_ID)
    assert billing.violations() == ()


def risen(billing: Billing) -> RefundView:
    """5 % of 1,000.00 is 50.00; of the 900.00 that are left it is 10 %: 40.00 and 2.40 more."""
    tiers = Fee((Tiers((Tier(0, 1_000), Tier(100_000, 500)), "whole"),))
    vector = next(each for each in AGENT_VECTORS if each.name == "TV05")
    accepted(billing, replace(vector, terms={**vector.terms, "fee": tiers}))
    blue(billing, 5_000, 300, PROVIDER_ID)
    made = approve(billing, ask(billing, 10_000))
    assert billing.violations() == ()
    return made


def test_a_commission_that_rises_is_invoiced_and_taken_back_of_both_invoices(billing: Billing) -> None:
    """Nothing is parted: before the second invoice, with it, with one of two red letters, with both."""
    made = risen(billing)
    blue(billing, 4_000, 240, PROVIDER_ID, of=made)
    assert billing.violations() == ()
    rest = approve(billing, ask(billing, 90_000))
    assert (billing.violations(), len(awaited(billing))) == ((), 1)
    red(billing, rest, 5_000, 300, PROVIDER_ID, n=1, parts=2)
    assert (billing.violations(), len(awaited(billing))) == ((), 1)
    red(billing, rest, 4_000, 240, PROVIDER_ID, n=2, parts=2)
    assert (billing.violations(), awaited(billing)) == ((), ())
    assert (billing.balance("R:commission"), billing.balance("L:vat:output")) == (0, 0)


@pytest.mark.parametrize(("net", "tax"), [(4_001, 240), (4_000, 241), (9_000, 540)])
def test_a_risen_commission_of_another_amount_is_seen(billing: Billing, net: int, tax: int) -> None:
    made = risen(billing)
    blue(billing, net, tax, PROVIDER_ID, of=made)
    assert seen(billing) == ({"I12", "I16"} if tax == 240 else {"I12", "I15", "I16"})


def test_two_red_letters_of_another_sum_are_seen(billing: Billing) -> None:
    made = risen(billing)
    blue(billing, 4_000, 240, PROVIDER_ID, of=made)
    rest = approve(billing, ask(billing, 90_000))
    red(billing, rest, 5_000, 300, PROVIDER_ID, n=1, parts=2)
    red(billing, rest, 3_999, 240, PROVIDER_ID, n=2, parts=2)
    assert seen(billing) == {"I12", "I16"}


def test_the_order_itself_invoiced_where_the_provider_sold_is_seen(billing: Billing, channel: ChannelControl) -> None:
    agent_orders.paid(billing, channel)
    agent_orders.split(billing)
    blue(billing, 100_000, 1_000)
    assert seen(billing) == {"I12", "I15", "I16"}


def test_the_fee_of_an_internal_order_is_invoiced_to_the_laboratory(finance: FinanceControl, billing: Billing) -> None:
    on_project_funds.executed(billing)
    assert billing.violations() == ()
    blue(billing, 5_000, 300, PROVIDER_ID)
    assert billing.violations() == ()
    made = approve(billing, ask(billing, 33_333))
    on_project_funds.ask(billing)
    assert billing.violations() == ()
    ((tax,),) = billing.rows(
        "SELECT e.amount FROM ledger_entry e JOIN ledger_tx t USING (seq)"
        " WHERE e.account = 'L:vat:output' AND t.kind = 'refund_shares'"
    )
    ((net,),) = billing.rows("SELECT (takes ->> 'fee')::bigint FROM refund")
    red(billing, made, net, tax, PROVIDER_ID)
    assert billing.violations() == ()
