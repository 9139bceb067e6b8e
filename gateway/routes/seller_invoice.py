"""Where the provider sells: its invoice to the customer, and the registration that exempts it from VAT."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from gateway.answers import ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import seller_invoice as schemas
from services.shared.messages.invoicing import seller_invoice

router = APIRouter(prefix="/v1", tags=["invoicing"])


@router.get("/orders/{order_id}/seller-invoice", response_model=schemas.SellerInvoice)
def get_seller_invoice(caller: Signed, order_id: UUID) -> Response:
    asked = seller_invoice.GetSellerInvoice(order_id=order_id)
    return ok(schemas.SellerInvoice.of(caller.ask(asked, seller_invoice.SellerInvoiceView)))


@router.post("/orders/{order_id}/seller-invoice", response_model=schemas.SellerInvoice)
def record_seller_invoice(
    caller: Signed,
    order_id: UUID,
    body: Annotated[schemas.SellerInvoiceToRecord, Depends(JsonBody(schemas.SellerInvoiceToRecord))],
) -> Response:
    """By the provider; refused where it says something else than was accepted."""
    command = seller_invoice.RecordSellerInvoice(order_id=order_id, **dict(body))
    return ok(schemas.SellerInvoice.of(caller.ask(command, seller_invoice.SellerInvoiceView)))


@router.post("/orders/{order_id}/registration/submit", response_model=schemas.SellerInvoice)
def submit_registration(caller: Signed, order_id: UUID) -> Response:
    """By the provider: its contract is handed in."""
    command = seller_invoice.SubmitRegistration(order_id=order_id)
    return ok(schemas.SellerInvoice.of(caller.ask(command, seller_invoice.SellerInvoiceView)))


@router.post("/orders/{order_id}/registration/decide", response_model=schemas.SellerInvoice)
def decide_registration(
    caller: Signed,
    order_id: UUID,
    body: Annotated[schemas.RegistrationDecision, Depends(JsonBody(schemas.RegistrationDecision))],
) -> Response:
    """By the contracts staff, who have seen the certificate."""
    command = seller_invoice.DecideRegistration(order_id=order_id, **dict(body))
    return ok(schemas.SellerInvoice.of(caller.ask(command, seller_invoice.SellerInvoiceView)))
