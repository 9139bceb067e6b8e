"""Direct payments: where the provider sells, whoever has the customer's money says so."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from gateway.answers import ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import direct_payment as schemas
from gateway.schemas.payment import OperatorPayment
from gateway.schemas.refund import CustomerRefund
from services.shared.messages.billing import direct_payment
from services.shared.messages.billing.payment import PaymentView
from services.shared.messages.billing.refund import RefundView

router = APIRouter(prefix="/v1", tags=["billing"])


@router.post("/orders/{order_id}/direct-payments", response_model=OperatorPayment)
def confirm_direct_payment(
    caller: Signed,
    order_id: UUID,
    body: Annotated[schemas.DirectPaymentToConfirm, Depends(JsonBody(schemas.DirectPaymentToConfirm))],
) -> Response:
    """The customer's money is on the provider's account, or in custody. In full, it releases the order."""
    command = direct_payment.ConfirmDirectPayment(order_id=order_id, **dict(body))
    return ok(OperatorPayment.of(caller.ask(command, PaymentView)))


@router.post("/refunds/{refund_id}/confirm", response_model=CustomerRefund)
def confirm_direct_refund(
    caller: Signed,
    refund_id: UUID,
    body: Annotated[schemas.DirectRefundToConfirm, Depends(JsonBody(schemas.DirectRefundToConfirm))],
) -> Response:
    """The customer has its money back from the provider, or out of custody."""
    command = direct_payment.ConfirmDirectRefund(refund_id=refund_id, **dict(body))
    return ok(CustomerRefund.of(caller.ask(command, RefundView)))
