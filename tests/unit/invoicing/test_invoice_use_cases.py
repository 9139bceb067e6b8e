"""What was recognised of an order becomes a tax point and one invoice."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from services.invoicing.use_cases import order, organisation, red_letter
from services.invoicing.use_cases.invoice import ISSUE_INVOICE, invoice_commission, invoice_order, record_documents
from services.shared.kernel.errors import NotYet
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.commission import CommissionEarned, CommissionReduced
from services.shared.messages.invoicing.invoice import InvoiceFailed, InvoiceIssued, TaxPointReached
from tests.kit.fakes_invoicing import (
    CUSTOMER_ID,
    NOW,
    OPERATOR_ID,
    ORDER_ID,
    PROVIDER_ID,
    FakeInvoicing,
    cny,
    contracted,
    recognised,
    registered,
    terms,
)

INVOICE_ID = derived_id("invoice", ORDER_ID)
MADE = {
    "findings": [],
    "pdf": {"key": "p", "sha256": "a" * 64, "size_bytes": 10},
    "xml": {"key": "x", "sha256": "b" * 64, "size_bytes": 20},
}


def ready(*order_ids: UUID) -> FakeInvoicing:
    uow = FakeInvoicing()
    organisation.keep_copy(registered("operator", OPERATOR_ID), uow=uow, now=NOW)
    organisation.keep_copy(registered("customer", CUSTOMER_ID), uow=uow, now=NOW)
    for order_id in order_ids or (ORDER_ID,):
        order.keep_copy(contracted(order_id), uow=uow, now=NOW)
    return uow


def test_acceptance_reaches_the_tax_point_and_numbers_the_invoice() -> None:
    """VAT is due at acceptance; the invoice has its number in the same step and its documents are asked for."""
    uow = ready()
    invoice_order(recognised(contracted()), uow=uow, now=NOW)
    (reached,) = uow.events(TaxPointReached)
    assert (reached.cause, reached.net, reached.tax, reached.reached_at) == (
        "acceptance",
        cny(100_000),
        cny(6_000),
        NOW,
    )
    invoice = uow.invoices.rows[INVOICE_ID]
    assert (invoice.number, invoice.state) == ("INV-2026-000001", "issuing")
    ((kind, key, payload),) = uow.calls
    assert (kind, key) == (ISSUE_INVOICE, f"issue_invoice:{INVOICE_ID}")
    assert payload["contents"]["number"] == "INV-2026-000001"


def test_the_invoice_says_what_was_recognised() -> None:
    """A third was given back before acceptance: tax point and invoice are over two thirds."""
    uow = ready()
    event = recognised(contracted(), net=cny(66_667), tax=cny(4_000))
    invoice_order(event, uow=uow, now=NOW)
    (reached,) = uow.events(TaxPointReached)
    assert (reached.net, reached.tax) == (cny(66_667), cny(4_000))
    contents = uow.invoices.rows[INVOICE_ID].frozen
    assert (contents.gross, contents.paid, contents.reduced) == (cny(70_667), cny(70_667), cny(33_333))
    record_documents(uow.calls[0][2], MADE, uow=uow, now=NOW)
    (issued,) = uow.events(InvoiceIssued)
    assert (issued.net, issued.gross) == (cny(66_667), cny(70_667))


def test_of_what_was_given_back_wholly_there_is_no_invoice() -> None:
    """Neither number nor tax point."""
    uow = ready()
    invoice_order(recognised(contracted(), net=cny(0), tax=cny(0)), uow=uow, now=NOW)
    assert (uow.published, uow.calls, uow.invoices.rows, uow.number_series.last) == ([], [], {}, {})


def test_an_order_is_invoiced_once() -> None:
    """A second delivery of the event takes no number, states nothing and asks for nothing."""
    uow = ready()
    for _ in range(3):
        invoice_order(recognised(contracted()), uow=uow, now=NOW)
    assert uow.number_series.last == {("INV", 2026): 1}
    assert len(uow.calls) == 1
    assert [type(event) for event in uow.published] == [TaxPointReached]


@pytest.mark.parametrize("missing", [OPERATOR_ID, CUSTOMER_ID, ORDER_ID])
def test_without_the_copies_nothing_is_invoiced_yet(missing: UUID) -> None:
    """A fact that has not arrived is waited for, and no number is taken meanwhile."""
    uow = ready()
    uow.organisations.rows.pop(missing, None)
    uow.orders.rows.pop(missing, None)
    with pytest.raises(NotYet):
        invoice_order(recognised(contracted()), uow=uow, now=NOW)
    assert (uow.number_series.last, uow.invoices.rows) == ({}, {})


def test_the_series_begins_anew_with_the_business_year() -> None:
    """The year is Asia/Shanghai's: eight hours before UTC's."""
    ids = [derived_id("order", n) for n in range(3)]
    uow = ready(*ids)
    instants = [datetime(2026, 12, 31, hour, 59, tzinfo=UTC) for hour in (15, 16, 17)]
    for order_id, now in zip(ids, instants, strict=True):
        invoice_order(recognised(contracted(order_id)), uow=uow, now=now)
    numbers = [uow.invoices.rows[derived_id("invoice", order_id)].number for order_id in ids]
    assert numbers == ["INV-2026-000001", "INV-2027-000001", "INV-2027-000002"]


def test_kept_documents_make_it_issued() -> None:
    """The event carries both hashes and the frozen amounts; recording the outcome again says nothing new."""
    uow = ready()
    invoice_order(recognised(contracted()), uow=uow, now=NOW)
    payload = uow.calls[0][2]
    for _ in range(2):
        record_documents(payload, MADE, uow=uow, now=NOW)
    (issued,) = uow.events(InvoiceIssued)
    assert (issued.pdf_sha256, issued.xml_sha256, issued.gross) == ("a" * 64, "b" * 64, cny(106_000))
    assert uow.invoices.rows[INVOICE_ID].state == "issued"


def test_a_finding_of_the_rules_fails_the_invoice() -> None:
    """Its number stays taken, the problem is stored, and somebody is told."""
    uow = ready()
    invoice_order(recognised(contracted()), uow=uow, now=NOW)
    outcome: dict[str, Any] = {"findings": ["BR-CO-15: the totals differ"]}
    record_documents(uow.calls[0][2], outcome, uow=uow, now=NOW)
    (failed,) = uow.events(InvoiceFailed)
    assert failed.problem == "BR-CO-15: the totals differ"
    assert uow.invoices.rows[INVOICE_ID].state == "failed"
    record_documents(uow.calls[0][2], MADE, uow=uow, now=NOW)
    assert uow.events(InvoiceIssued) == []


def test_what_documents_say_does_not_follow_the_organisation() -> None:
    """An address that changes between number and documents changes no invoice."""
    uow = ready()
    invoice_order(recognised(contracted()), uow=uow, now=NOW)
    organisation.keep_copy(registered("customer", CUSTOMER_ID, address="elsewhere"), uow=uow, now=NOW)
    assert uow.invoices.rows[INVOICE_ID].frozen.buyer.address == "重庆市渝中区大坪正街19号"
    assert uow.calls[0][2]["contents"]["buyer"]["address"] == "重庆市渝中区大坪正街19号"


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


def test_a_reduced_commission_is_taken_back_by_a_red_letter() -> None:
    """Once for each refund; what is more than before takes nothing back."""
    uow = sold_by_provider()
    invoice_commission(earned(), uow=uow, now=NOW)
    less = CommissionReduced(
        refund_id=derived_id("refund", 1), order_id=ORDER_ID, order_number="OR-2026-000001", provider_id=PROVIDER_ID,
        net=cny(3_333), tax=cny(200), gross=cny(3_533), cause="dispute",
    )  # fmt: skip
    for _ in range(2):
        red_letter.commission_reduced(less, uow=uow, now=NOW)
    (made,) = uow.red_letters.rows.values()
    assert (made.customer_id, made.net, made.tax) == (PROVIDER_ID, cny(3_333), cny(200))
    more = less.model_copy(
        update={"refund_id": derived_id("refund", 2), "net": cny(-1), "tax": cny(0), "gross": cny(-1)}
    )  # fmt: skip
    red_letter.commission_reduced(more, uow=uow, now=NOW)
    assert len(uow.red_letters.rows) == 1
