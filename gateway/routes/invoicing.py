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
from services.shared.messages.invoicing import collective_invoice, invoice, received_invoice

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


@router.post("/invoice-terms", response_model=schemas.InvoiceTerms)
def set_invoice_terms(
    caller: Signed, body: Annotated[schemas.InvoiceTermsToSet, Depends(JsonBody(schemas.InvoiceTermsToSet))]
) -> Response:
    """When a customer gets its invoices, for orders accepted from now on."""
    wanted = collective_invoice.SetInvoiceTerms(**dict(body))
    return ok(schemas.InvoiceTerms.of(caller.ask(wanted, collective_invoice.InvoiceTermsView)))


@router.get("/invoice-terms/{customer_id}", response_model=schemas.InvoiceTerms)
def get_invoice_terms(caller: Signed, customer_id: UUID) -> Response:
    """404 where nothing is agreed: an invoice comes with each acceptance."""
    asked = collective_invoice.GetInvoiceTerms(customer_id=customer_id)
    return ok(schemas.InvoiceTerms.of(caller.ask(asked, collective_invoice.InvoiceTermsView)))


@router.post("/collective-invoices", response_model=schemas.InvoicesMade)
def invoice_uninvoiced(
    caller: Signed, body: Annotated[schemas.CustomerToInvoice, Depends(JsonBody(schemas.CustomerToInvoice))]
) -> Response:
    """Invoice now what waits for the end of its month."""
    wanted = collective_invoice.InvoiceUninvoiced(customer_id=body.customer_id)
    return ok(schemas.InvoicesMade.of(caller.ask(wanted, collective_invoice.UninvoicedInvoiced)))


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
