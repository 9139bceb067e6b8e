"""What was recognised of an order becomes a tax point and one invoice."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from services.invoicing.use_cases import order, organisation
from services.invoicing.use_cases.invoice import ISSUE_INVOICE, invoice_order, record_documents
from services.shared.kernel.errors import NotYet
from services.shared.kernel.ids import derived_id
from services.shared.messages.invoicing.invoice import InvoiceFailed, InvoiceIssued, TaxPointReached
from tests.kit.fakes_invoicing import (
    CUSTOMER_ID,
    NOW,
    OPERATOR_ID,
    ORDER_ID,
    FakeInvoicing,
    cny,
    contracted,
    recognised,
    registered,
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
