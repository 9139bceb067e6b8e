"""Reads of invoicing: SQL → view."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from services.invoicing.adapters import tables
from services.invoicing.adapters.red_letter_queries import of_invoices
from services.invoicing.adapters.repositories import invoice_of, over_order
from services.invoicing.adapters.unit_of_work import InvoicingUnitOfWork
from services.invoicing.domain.invoice import Invoice
from services.shared.chassis.object_store import ObjectStore
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, Relation, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.money import Money
from services.shared.messages.base import Query
from services.shared.messages.invoicing.invoice import (
    GetInvoice,
    GetInvoiceDocument,
    InvoiceDocument,
    InvoicedOrder,
    InvoicePage,
    InvoiceView,
    ListInvoices,
)
from services.shared.messages.invoicing.received_invoice import (
    ListReceivedInvoices,
    ReceivedInvoicePage,
    ReceivedInvoiceView,
)
from services.shared.messages.invoicing.red_letter import RedLetterView


def get_invoice(query: GetInvoice, *, actor: Actor, uow: InvoicingUnitOfWork, now: datetime) -> InvoiceView:
    del now
    invoice, relation = _readable(query, query.invoice_id, actor, uow)
    red_letters = of_invoices([invoice.invoice_id], relation, uow)
    return _invoice_view(invoice, relation, red_letters.get(invoice.invoice_id, ()))


def get_invoice_document(
    query: GetInvoiceDocument,
    *,
    actor: Actor,
    uow: InvoicingUnitOfWork,
    now: datetime,
    store: Callable[[], ObjectStore],
) -> InvoiceDocument:
    """Raises NotIssued. Signs an address and asks nobody."""
    del now
    invoice, _ = _readable(query, query.invoice_id, actor, uow)
    kept = invoice.file(query.form)
    filename = f"{invoice.number}.{query.form}"
    return InvoiceDocument(
        url=store().download_url(kept.key, filename),
        sha256=kept.sha256,
        size_bytes=kept.size_bytes,
        filename=filename,
    )


def list_invoices(query: ListInvoices, *, actor: Actor, uow: InvoicingUnitOfWork, now: datetime) -> InvoicePage:
    del now
    relation = require(actor, query.grants, {"self": None if actor.operator else actor.organisation_id})
    table = tables.invoice
    statement = select(table)
    if relation != "operator":
        statement = statement.where(table.c.customer_id == actor.organisation_id)
    if query.order_id is not None:
        statement = statement.where(over_order(query.order_id))
    rows, cursor = page(
        uow.connection, statement, (table.c.dated_at, table.c.invoice_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    red_letters = of_invoices([row.invoice_id for row in rows], relation, uow)
    return InvoicePage(
        items=tuple(_invoice_view(invoice_of(row), relation, red_letters.get(row.invoice_id, ())) for row in rows),
        next_cursor=cursor,
    )


def list_received_invoices(
    query: ListReceivedInvoices, *, actor: Actor, uow: InvoicingUnitOfWork, now: datetime
) -> ReceivedInvoicePage:
    del now
    relation = require(actor, query.grants, {"self": None if actor.operator else actor.organisation_id})
    table = tables.received_invoice
    statement = select(table)
    if relation != "operator":
        statement = statement.where(table.c.party_id == actor.organisation_id)
    rows, cursor = page(
        uow.connection, statement, (table.c.recorded_at, table.c.received_invoice_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return ReceivedInvoicePage(items=tuple(_received_view(row) for row in rows), next_cursor=cursor)


def _readable(query: Query, invoice_id: UUID, actor: Actor, uow: InvoicingUnitOfWork) -> tuple[Invoice, Relation]:
    row = uow.connection.execute(select(tables.invoice).where(tables.invoice.c.invoice_id == invoice_id)).one_or_none()
    if row is None:
        raise NotFound
    relation = require(actor, query.grants, {"customer": row.customer_id})
    return invoice_of(row), relation


def _invoice_view(invoice: Invoice, relation: Relation, red_letters: tuple[RedLetterView, ...]) -> InvoiceView:
    contents = invoice.frozen
    return InvoiceView(
        invoice_id=invoice.invoice_id,
        number=contents.number,
        state=invoice.state,
        order_id=invoice.order_id,
        order_number=contents.order_number,
        customer_id=invoice.customer_id,
        net=contents.net,
        tax=contents.tax,
        gross=contents.gross,
        tax_rate_bps=contents.tax_rate_bps,
        issued_at=invoice.issued_at,
        pdf_sha256=invoice.pdf.sha256 if invoice.pdf else "",
        xml_sha256=invoice.xml.sha256 if invoice.xml else "",
        problem=invoice.problem if relation == "operator" else "",
        red_letters=red_letters,
        orders=tuple(InvoicedOrder(**vars(each)) for each in contents.orders),
    )


def _received_view(row: Any) -> ReceivedInvoiceView:
    net, tax = Money(row.net_minor, row.currency), Money(row.tax_minor, row.currency)
    fields = {name: value for name, value in row._mapping.items() if not name.endswith("_minor") and name != "currency"}
    return ReceivedInvoiceView(**fields, net=net, tax=tax, gross=net + tax)
