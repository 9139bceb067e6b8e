"""Margin and cash of orders, from the ledger's entries: the trade rules' figures, and nothing is lost on the way."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings

from services.billing.adapters.margin_queries import get_order_margin, list_margins
from services.billing.domain.ledger import Entry
from services.billing.use_cases import invoice
from services.billing.use_cases.ledger import post_transaction
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound, Refused
from services.shared.kernel.ids import derived_id
from services.shared.kernel.payment_reference import reference_of
from services.shared.messages.billing.margin import GetOrderMargin, ListMargins, MarginFigures, MarginPage, OrderMargin
from tests.integration.billing import agent_orders
from tests.integration.billing.conftest import Billing
from tests.integration.billing.on_credit import a_line, invoiced, owed
from tests.integration.billing.refunding import approve, ask, red_letter
from tests.integration.billing.test_any_course_of_events import Course, agreements, courses
from tests.integration.billing.test_input_vat import confirm, pending
from tests.integration.billing.test_settlements import bank_says, close, matched
from tests.kit.channel_control import ChannelControl
from tests.kit.fakes_billing import (
    DISPUTE_OPERATOR,
    LATER,
    NOW,
    ORDER_ID,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    REQUESTER,
    STATION_ID,
)
from tests.kit.trade_vectors import VECTORS, Vector

EXAMPLES = 8
OTHER = derived_id("order", 2)
OTHER_NUMBER = "OR-2026-000124"


def of(billing: Billing, order_id: UUID = ORDER_ID) -> OrderMargin:
    return billing.run(get_order_margin, GetOrderMargin(order_id=order_id))


def all_of(billing: Billing) -> MarginPage:
    return billing.run(list_margins, ListMargins(totals=True))


def said(figures: MarginFigures) -> dict[str, int]:
    """What is not zero."""
    return {name: value for name, value in figures.model_dump(exclude={"currency"}).items() if value}


def test_tv01_from_payment_to_payout(billing: Billing) -> None:
    """Sell, buy, station, VAT and cash at each step are those of the trade rules."""
    billing.contracted()
    assert said(of(billing).figures) == {"asked": 106_000}
    billing.accepted()
    earned = {"sell": 100_000, "buy": 90_000, "station": 7_000, "margin": 3_000, "vat_output": 6_000}
    found = of(billing)
    awaited = {"vat_input_awaited": 5_820, "vat_due": 6_000}
    assert said(found.figures) == {**earned, **awaited, "cash_in": 106_000}
    assert (found.state, found.invoices_missing) == ("accepted", ("customer", "provider", "station"))
    stated = {each.party_kind: each for each in close(billing).items}
    matched(billing, stated["provider"])
    found = of(billing)
    on_paper = {"vat_input_pending": 5_400, "vat_input_awaited": 420, "vat_due": 600}
    assert said(found.figures) == {**earned, **on_paper, "cash_in": 106_000}
    assert found.invoices_missing == ("customer", "station")
    matched(billing, stated["station"])
    paid = billing.pay_out(stated["provider"].settlement_id)
    invoiced_all = {"vat_input_pending": 5_820, "vat_due": 180}
    assert said(of(billing).figures) == {**earned, **invoiced_all, "cash_in": 106_000}, "told the bank, not paid yet"
    bank_says(billing, ("b1", "out", "954.00", paid.number))
    billing.handle(invoice.keep_copy, invoiced())
    found = of(billing)
    assert said(found.figures) == {**earned, **invoiced_all, "cash_in": 106_000, "cash_out": 95_400}
    assert found.invoices_missing == ()
    confirm(billing, pending(billing)["provider"].input_vat_id)
    confirmed = {"vat_input_pending": 420, "vat_input_confirmed": 5_400, "vat_due": 180}
    assert said(of(billing).figures) == {**earned, **confirmed, "cash_in": 106_000, "cash_out": 95_400}
    assert all_of(billing).apart == ()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_the_margin_is_what_the_company_keeps(billing: Billing, vector: Vector) -> None:
    """K of every worked case, with the company's discount out of what is sold."""
    billing.accepted(money=vector.money, **vector.terms)
    for each in close(billing).items:
        matched(billing, each)
    figures = of(billing).figures
    assert (figures.margin, figures.vat_due, figures.vat_input_awaited) == (vector.kept, vector.vat_due, 0)
    discount = vector.terms.get("company_discount")
    assert figures.company_discount == (discount.amount if discount is not None else 0)


def test_a_refund_takes_its_part_of_everything(billing: Billing) -> None:
    """TV10's first step: a third of it goes back, to the fen."""
    billing.accepted()
    asked = approve(billing, ask(billing, 33_333))
    red_letter(billing, asked)
    figures = of(billing).figures
    assert (figures.sell, figures.buy, figures.station, figures.margin) == (66_667, 60_000, 4_667, 2_000)
    assert figures.vat_output == 4_000


def test_an_agents_order_has_its_commission_and_none_of_the_customers_money(
    billing: Billing, channel: ChannelControl
) -> None:
    """TV05: what the channel holds is held elsewhere; the commission is all that comes in."""
    agent_orders.paid(billing, channel)
    assert said(of(billing).figures) == {"held_elsewhere": 101_000}
    agent_orders.split(billing)
    found = of(billing)
    figures = said(found.figures)
    assert found.collection_model == "agent_psp_split"
    assert (figures["commission"], figures["vat_output"], figures["cash_in"]) == (10_000, 600, 10_600)
    assert not {"sell", "buy", "held", "held_elsewhere", "cash_out", "unpaid"} & figures.keys()
    assert "customer" not in found.invoices_missing
    assert "commission" in found.invoices_missing


def test_one_line_of_the_bank_pays_two_orders(billing: Billing) -> None:
    """Each has what was its part, though the line is one transaction of neither; undone it has nothing."""
    for order_id, number in ((ORDER_ID, "OR-2026-000123"), (OTHER, OTHER_NUMBER)):
        billing.contracted(order_id, number, method="bank_transfer")
    text = f"{reference_of('OR-2026-000123')} {reference_of(OTHER_NUMBER)}"
    bank_says(billing, ("b1", "in", "2120.00", text))
    assert billing.rows("SELECT order_id FROM ledger_tx WHERE kind = 'receipt_bank'") == [(None,)]
    for order_id in (ORDER_ID, OTHER):
        assert said(of(billing, order_id).figures) == {"cash_in": 106_000, "held": 106_000}
    (total,) = all_of(billing).totals
    assert said(total) == {"cash_in": 212_000, "held": 212_000}


def test_a_surplus_is_no_orders_cash(billing: Billing) -> None:
    """TV12: 10.00 more than asked is the customer's credit."""
    billing.contracted(method="bank_transfer")
    bank_says(billing, ("b1", "in", "1070.00", reference_of("OR-2026-000123")))
    assert said(of(billing).figures) == {"cash_in": 106_000, "held": 106_000}


def test_what_is_unpaid_has_an_age(billing: Billing) -> None:
    """From its due date on, by days of Asia/Shanghai."""
    a_line(billing)
    owed(billing)
    found = of(billing)
    assert (found.figures.unpaid, found.figures.cash_in, found.overdue_days) == (106_000, 0, 0)
    ((due_on,),) = billing.rows("SELECT due_on FROM receivable")
    assert found.unpaid_due_on == due_on
    much_later = NOW + timedelta(days=100)
    late = billing.run(get_order_margin, GetOrderMargin(order_id=ORDER_ID), now=much_later)
    assert late.overdue_days == ((much_later + timedelta(hours=8)).date() - due_on).days > 0


def test_pages_selection_and_totals(billing: Billing) -> None:
    """Newest first, none twice; the totals are of all that is selected whatever the page, and come once."""
    for place in range(1, 6):
        billing.accepted(derived_id("order", place), f"OR-2026-00012{place}")
    billing.contracted(derived_id("order", 6), "OR-2026-000126")
    seen: list[str] = []
    page = billing.run(list_margins, ListMargins(limit=2, totals=True))
    (total,) = page.totals
    assert (total.sell, total.margin, total.asked) == (500_000, 15_000, 106_000)
    seen += [each.order_number for each in page.items]
    while page.next_cursor is not None:
        page = billing.run(list_margins, ListMargins(limit=2, totals=True, after=page.next_cursor))
        assert (page.totals, page.apart) == ((), ())
        seen += [each.order_number for each in page.items]
    assert sorted(seen) == [f"OR-2026-00012{place}" for place in range(1, 7)]
    for selection, count in (
        ({"state": "accepted"}, 5), ({"state": "contracted"}, 1), ({"state": "cancelled"}, 0),
        ({"provider_id": PROVIDER_ID}, 6), ({"station_id": STATION_ID}, 6), ({"provider_id": STATION_ID}, 0),
        ({"until": NOW}, 0), ({"since": NOW}, 6), ({"since": NOW + timedelta(microseconds=1)}, 0),
    ):  # fmt: skip
        some = billing.run(list_margins, ListMargins.model_validate({**selection, "totals": True}))
        assert len(some.items) == count, selection
        assert sum(total.margin for total in some.totals) == sum(each.figures.margin for each in some.items)


def test_nobody_else_sees_it(billing: Billing) -> None:
    """S1: not the provider, not the customer; nor is an order found that is none."""
    billing.accepted()
    others: tuple[tuple[Actor, type[Refused]], ...] = (
        (PROVIDER_FINANCE, NotFound), (REQUESTER, NotFound), (DISPUTE_OPERATOR, NotAllowed),
    )  # fmt: skip
    for actor, refusal in others:
        with pytest.raises(refusal):
            billing.run(get_order_margin, GetOrderMargin(order_id=ORDER_ID), actor)
        with pytest.raises(refusal):
            billing.run(list_margins, ListMargins(totals=True), actor)
    with pytest.raises(NotFound):
        of(billing, OTHER)


def test_what_stands_on_no_order_is_apart(billing: Billing) -> None:
    """A fee of the payment institution for a payout, say: it is in no order's margin, nor in another currency's."""
    billing.accepted()
    fee = (Entry("E:psp_fee", "D", 25, "CNY"), Entry("A:vat:input_pending", "D", 2, "CNY"),
           Entry("A:psp:stripe", "C", 27, "CNY"))  # fmt: skip
    foreign = (Entry("E:psp_fee", "D", 7, "USD"), Entry("A:psp:stripe", "C", 7, "USD"))

    def book(key: str, entries: tuple[Entry, ...], of_order: tuple[UUID, str] | None) -> None:
        billing.within(
            lambda uow: post_transaction(
                uow, key=key, kind="stripe_fee", entries=entries, effective_at=LATER, now=LATER, order=of_order
            )
        )

    book("of a payout", fee, None)
    book("in another currency", foreign, (ORDER_ID, "OR-2026-000123"))
    page = all_of(billing)
    assert said(page.items[0].figures)["margin"] == 3_000
    assert {(each.account, each.kind, each.currency, each.amount) for each in page.apart} == {
        ("E:psp_fee", "stripe_fee", "CNY", -25), ("A:vat:input_pending", "stripe_fee", "CNY", -2),
        ("E:psp_fee", "stripe_fee", "USD", -7),
    }  # fmt: skip
    assert billing.run(list_margins, ListMargins(until=LATER, totals=True)).apart == ()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(agreed=agreements, events=courses)
def test_margins_and_what_stands_apart_are_the_result(billing: Billing, agreed: list[Any], events: list[Any]) -> None:
    """Whatever happens: revenue, VAT, cash and what is held are on the orders or apart, each once."""
    course = Course(billing, agreed)
    for step, (event, pick) in enumerate(events, 1):
        event(course, pick)
        if step % 8 == 0 or step == len(events):
            _adds_up(billing)


def _adds_up(billing: Billing) -> None:
    page = billing.run(list_margins, ListMargins(limit=1_000, totals=True))
    balances = {
        account: int(stands)
        for account, stands in billing.rows(
            "SELECT account, sum(posted_c - posted_d) FROM account_balance WHERE currency = 'CNY' GROUP BY account"
        )
    }

    def stands(*prefixes: str) -> int:
        return sum(amount for account, amount in balances.items() if account.startswith(prefixes))

    def apart(*prefixes: str) -> int:
        return sum(each.amount for each in page.apart if each.account.startswith(prefixes))

    (total,) = page.totals
    for name in type(total).model_fields.keys() - {"currency"}:
        assert getattr(total, name) == sum(getattr(each.figures, name) for each in page.items), name
    assert total.margin + apart("R:", "E:") == stands("R:", "E:")
    assert total.vat_output + apart("L:vat:output") == stands("L:vat:output")
    input_vat = total.vat_input_pending + total.vat_input_confirmed
    assert -input_vat + apart("A:vat:input") == stands("A:vat:input")
    assert total.held == stands("L:contract:")
    ((funded,),) = billing.rows(
        "SELECT coalesce(sum(amount), 0) FROM ledger_entry JOIN ledger_tx USING (seq)"
        " WHERE order_id IS NULL AND starts_with(account, 'L:voucher_fund:')"
    )
    there = -stands("A:bank:", "A:psp:", "L:suspense:bank", "L:customer_credit:")
    assert total.cash_in - total.cash_out + int(funded) == there
    ((unpaid,),) = billing.rows(
        "SELECT coalesce(sum(amount - paid - written_off), 0) FROM receivable WHERE state IN ('uninvoiced', 'open')"
    )
    assert total.unpaid == unpaid
