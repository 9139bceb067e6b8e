"""The company's invoices over its commission: once; refunds change it by red letters and further invoices."""

from typing import Any

import pytest

from services.invoicing.domain.invoice import MoreThanInvoiced
from services.invoicing.use_cases import order, organisation, red_letter
from services.invoicing.use_cases.commission import commission_reduced, invoice_commission
from services.invoicing.use_cases.invoice import record_documents
from services.shared.kernel.errors import NotYet
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.commission import CommissionEarned, CommissionReduced
from services.shared.messages.invoicing.invoice import InvoiceIssued, TaxPointReached
from services.shared.messages.invoicing.red_letter import RedLetterIssued
from tests.kit.fakes_invoicing import (
    NOW,
    OPERATOR_ID,
    ORDER_ID,
    PROVIDER_ID,
    FakeInvoicing,
    cny,
    contracted,
    registered,
    terms,
)
from tests.unit.invoicing.test_invoice_use_cases import MADE, ready


def earned(**changes: Any) -> CommissionEarned:
    """TV05: of an order at the provider's 1 %, the company's 6 % on its commission."""
    fields: dict[str, Any] = {
        "order_id": ORDER_ID, "order_number": "OR-2026-000001", "provider_id": PROVIDER_ID, "net": cny(10_000),
        "tax": cny(600), "gross": cny(10_600), "tax_rate_bps": 600, "split": True, "accepted_at": NOW,
        "sold_net": cny(100_000), "sold_tax": cny(1_000), **changes,
    }  # fmt: skip
    return CommissionEarned(**fields)


def sold_by_provider() -> FakeInvoicing:
    uow = FakeInvoicing()
    organisation.keep_copy(registered("operator", OPERATOR_ID), uow=uow, now=NOW)
    organisation.keep_copy(registered("provider", PROVIDER_ID), uow=uow, now=NOW)
    order.keep_copy(contracted(terms=terms(collection_model="agent_direct")), uow=uow, now=NOW)
    return uow


def test_the_fee_for_an_internal_order_is_invoiced_to_the_laboratory() -> None:
    """Nobody sold anything, so that no seller's invoice is awaited: the company's invoice is all there is."""
    uow = FakeInvoicing()
    organisation.keep_copy(registered("operator", OPERATOR_ID), uow=uow, now=NOW)
    organisation.keep_copy(registered("provider", PROVIDER_ID), uow=uow, now=NOW)
    order.keep_copy(contracted(terms=terms(payment_method="project_funds")), uow=uow, now=NOW)
    for _ in range(2):
        invoice_commission(earned(split=False, sold_net=None, sold_tax=None), uow=uow, now=NOW)
    (invoice,) = uow.invoices.rows.values()
    assert (invoice.customer_id, invoice.frozen.gross, uow.seller_invoices.rows) == (PROVIDER_ID, cny(10_600), {})


def test_the_commission_is_invoiced_to_the_provider_and_once() -> None:
    """One line over C at the company's rate; the customer is invoiced nothing by us."""
    uow = sold_by_provider()
    for _ in range(2):
        invoice_commission(earned(), uow=uow, now=NOW)
    (invoice,) = uow.invoices.rows.values()
    contents = invoice.frozen
    assert (invoice.customer_id, contents.gross, contents.tax_rate_bps) == (PROVIDER_ID, cny(10_600), 600)
    assert [(line.net, line.title_en) for line in contents.lines] == [
        (cny(10_000), f"Commission for order {contents.order_number}")
    ]
    assert (contents.paid, contents.reduced, len(uow.calls)) == (cny(10_600), None, 1)
    (reached,) = uow.events(TaxPointReached)
    assert (reached.net, reached.tax) == (cny(10_000), cny(600))


def test_what_is_not_split_the_provider_owes() -> None:
    """Nothing of it is paid yet; it is transferred under its own reference, or netted."""
    uow = sold_by_provider()
    invoice_commission(earned(split=False), uow=uow, now=NOW)
    (invoice,) = uow.invoices.rows.values()
    assert (invoice.frozen.paid, invoice.frozen.payment_method) == (cny(0), "commission_owed")


def test_the_commission_waits_for_the_provider_to_be_known() -> None:
    with pytest.raises(NotYet):
        invoice_commission(earned(), uow=ready(), now=NOW)
    uow = sold_by_provider()
    del uow.organisations.rows[PROVIDER_ID]
    with pytest.raises(NotYet):
        invoice_commission(earned(), uow=uow, now=NOW)
    assert uow.invoices.rows == {}


def test_of_no_commission_there_is_no_invoice() -> None:
    """But the provider's own to the customer is due."""
    uow = sold_by_provider()
    invoice_commission(earned(net=cny(0), tax=cny(0), gross=cny(0)), uow=uow, now=NOW)
    assert (uow.invoices.rows, uow.seller_invoices.rows[ORDER_ID].state) == ({}, "due")


def reduced(net: int, tax: int, n: int = 1) -> CommissionReduced:
    """By refund *n*; below zero it is more."""
    return CommissionReduced(
        refund_id=derived_id("refund", n), order_id=ORDER_ID, order_number="OR-2026-000001", provider_id=PROVIDER_ID,
        net=cny(net), tax=cny(tax), gross=cny(net + tax), cause="dispute", tax_rate_bps=600, accepted_at=NOW,
    )  # fmt: skip


def issue_all(uow: FakeInvoicing) -> None:
    """Whatever documents were asked for are made."""
    for kind, _, payload in list(uow.calls):
        if kind == "issue_invoice":
            record_documents(payload, MADE, uow=uow, now=NOW, platform=True)
        elif kind == "issue_red_letter":
            red_letter.record_documents(payload, MADE, uow=uow, now=NOW)


def confirm_all(uow: FakeInvoicing) -> None:
    for red_letter_id in list(uow.red_letters.rows):
        payload = {"red_letter_id": str(red_letter_id), "attempt": 1}
        outcome = {"number": f"form-{red_letter_id}", "state": "01", "entered_at": NOW.isoformat()}
        red_letter.note_form(payload, outcome, uow=uow, now=NOW)
    issue_all(uow)


def test_a_reduced_commission_is_taken_back_by_a_red_letter() -> None:
    """Once for each refund."""
    uow = sold_by_provider()
    invoice_commission(earned(), uow=uow, now=NOW)
    for _ in range(2):
        commission_reduced(reduced(3_333, 200), uow=uow, now=NOW)
    (made,) = uow.red_letters.rows.values()
    assert (made.customer_id, made.net, made.tax, made.parts) == (PROVIDER_ID, cny(3_333), cny(200), 1)
    with pytest.raises(MoreThanInvoiced):
        commission_reduced(reduced(6_668, 400, n=2), uow=uow, now=NOW)


def test_a_risen_commission_has_a_second_invoice_and_once() -> None:
    """8 % of 100,000.00 becomes 9 % of 95,000.00 (tiers): 550.00 and its tax more, owed even where a channel splits."""
    uow = sold_by_provider()
    invoice_commission(earned(net=cny(800_000), tax=cny(48_000), gross=cny(848_000)), uow=uow, now=NOW)
    for _ in range(2):
        commission_reduced(reduced(-55_000, -3_300), uow=uow, now=NOW)
        invoice_commission(earned(net=cny(800_000), tax=cny(48_000), gross=cny(848_000)), uow=uow, now=NOW)
    first, second = uow.invoices.rows.values()
    assert (second.customer_id, second.frozen.gross, second.frozen.paid, second.frozen.payment_method) == (
        PROVIDER_ID, cny(58_300), cny(0), "commission_owed",
    )  # fmt: skip
    assert (first.number, second.number) == ("INV-2026-000001", "INV-2026-000002")
    assert "risen" in second.frozen.lines[0].title_en
    issue_all(uow)
    assert [each.refund_id for each in uow.events(InvoiceIssued)] == [None, derived_id("refund", 1)]
    assert len(uow.events(TaxPointReached)) == 1
    commission_reduced(reduced(-1, 0, n=2), uow=uow, now=NOW)
    assert len(uow.invoices.rows) == 3


def test_where_there_was_no_commission_its_rise_is_the_first_invoice() -> None:
    uow = sold_by_provider()
    nothing = earned(net=cny(0), tax=cny(0), gross=cny(0))
    invoice_commission(nothing, uow=uow, now=NOW)
    commission_reduced(reduced(-100, -6), uow=uow, now=NOW)
    invoice_commission(nothing, uow=uow, now=NOW)
    (invoice,) = uow.invoices.rows.values()
    assert (invoice.frozen.gross, invoice.refund_id) == (cny(106), derived_id("refund", 1))


def test_all_of_a_risen_commission_is_taken_back_of_both_invoices() -> None:
    """A red letter each, told as two of one refund; both invoices are reversed, and nothing more can be taken."""
    uow = sold_by_provider()
    invoice_commission(earned(), uow=uow, now=NOW)
    commission_reduced(reduced(-1_000, -60), uow=uow, now=NOW)
    issue_all(uow)
    for _ in range(2):
        commission_reduced(reduced(11_000, 660, n=2), uow=uow, now=NOW)
    assert [(each.net, each.tax, each.parts) for each in uow.red_letters.rows.values()] == [
        (cny(10_000), cny(600), 2), (cny(1_000), cny(60), 2),
    ]  # fmt: skip
    confirm_all(uow)
    assert {each.state for each in uow.invoices.rows.values()} == {"reversed"}
    assert [each.parts for each in uow.events(RedLetterIssued)] == [2, 2]
    with pytest.raises(MoreThanInvoiced):
        commission_reduced(reduced(1, 0, n=3), uow=uow, now=NOW)


def test_a_rise_waits_for_the_order() -> None:
    with pytest.raises(NotYet):
        commission_reduced(reduced(-100, -6), uow=FakeInvoicing(), now=NOW)
