"""Invoices we issue, and invoices we receive."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import Caller, JsonBody, Signed
from gateway.schemas import invoicing as schemas
from gateway.schemas.base import Listed
from gateway.schemas.work import DocumentLink
from services.shared.messages.invoicing import invoice, received_invoice

router = APIRouter(prefix="/v1", tags=["invoicing"])


def _invoice(caller: Caller, view: invoice.InvoiceView) -> schemas.OperatorInvoice | schemas.CustomerInvoice:
    return schemas.OperatorInvoice.of(view) if caller.actor.operator else schemas.CustomerInvoice.of(view)


@router.get("/invoices", response_model=schemas.InvoicePage)
def list_invoices(caller: Signed, listed: Annotated[schemas.InvoicesListed, Query()]) -> Response:
    page = caller.ask(invoice.ListInvoices(**dict(listed)), invoice.InvoicePage)
    items = tuple(_invoice(caller, view) for view in page.items)
    return ok(schemas.InvoicePage(items=items, next_cursor=page.next_cursor))


@router.get("/invoices/{invoice_id}", response_model=schemas.OperatorInvoice | schemas.CustomerInvoice)
def get_invoice(caller: Signed, invoice_id: UUID) -> Response:
    return ok(_invoice(caller, caller.ask(invoice.GetInvoice(invoice_id=invoice_id), invoice.InvoiceView)))


@router.get("/invoices/{invoice_id}/documents/{form}", response_model=DocumentLink)
def get_invoice_document(caller: Signed, invoice_id: UUID, form: Literal["pdf", "xml"]) -> Response:
    """The invoice as a page or as EN 16931 XML. A commercial invoice, not a fapiao, and it says so."""
    asked = invoice.GetInvoiceDocument(invoice_id=invoice_id, form=form)
    return ok(DocumentLink.of(caller.ask(asked, invoice.InvoiceDocument)))


@router.post("/received-invoices", status_code=problems.CREATED, response_model=schemas.ReceivedInvoice)
def record_received_invoice(
    caller: Signed,
    body: Annotated[schemas.ReceivedInvoiceToRecord, Depends(JsonBody(schemas.ReceivedInvoiceToRecord))],
) -> Response:
    """An invoice for a settlement: matched at once, or rejected with the reason."""
    command = received_invoice.RecordReceivedInvoice(**dict(body))
    view = caller.ask(command, received_invoice.ReceivedInvoiceView)
    return created(schemas.ReceivedInvoice.of(view), "/v1/received-invoices")


@router.get("/received-invoices", response_model=schemas.ReceivedInvoicePage)
def list_received_invoices(caller: Signed, listed: Annotated[Listed, Query()]) -> Response:
    asked = received_invoice.ListReceivedInvoices(**dict(listed))
    return ok(schemas.ReceivedInvoicePage.of(caller.ask(asked, received_invoice.ReceivedInvoicePage)))
