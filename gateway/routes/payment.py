"""What customers are to pay, and what has come in."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from gateway.answers import ok
from gateway.calls import Caller, Signed
from gateway.schemas import payment as schemas
from services.shared.messages.billing import payment

router = APIRouter(prefix="/v1", tags=["billing"])


def _payment(caller: Caller, view: payment.PaymentView) -> schemas.CustomerPayment | schemas.OperatorPayment:
    own = caller.actor.organisation_id == view.customer_id
    return schemas.CustomerPayment.of(view) if own else schemas.OperatorPayment.of(view)


@router.get("/payments", response_model=schemas.PaymentPage)
def list_payments(caller: Signed, listed: Annotated[schemas.PaymentsListed, Query()]) -> Response:
    page = caller.ask(payment.ListPayments(**dict(listed)), payment.PaymentPage)
    items = tuple(_payment(caller, view) for view in page.items)
    return ok(schemas.PaymentPage(items=items, next_cursor=page.next_cursor))


@router.get("/payments/{payment_id}", response_model=schemas.CustomerPayment | schemas.OperatorPayment)
def get_payment(caller: Signed, payment_id: UUID) -> Response:
    return ok(_payment(caller, caller.ask(payment.GetPayment(payment_id=payment_id), payment.PaymentView)))
