"""What customers have paid and no order waited for."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from gateway.answers import ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import customer_credit as schemas
from services.shared.messages.billing import customer_credit

router = APIRouter(prefix="/v1", tags=["billing"])


@router.get("/customer-credit", response_model=schemas.CustomerCreditPage)
def list_customer_credit(caller: Signed) -> Response:
    """The largest first."""
    page = caller.ask(customer_credit.ListCustomerCredit(), customer_credit.CustomerCreditPage)
    return ok(schemas.CustomerCreditPage.of(page))


@router.post("/customer-credit/{customer_id}/apply", response_model=schemas.CreditApplied)
def apply_customer_credit(
    caller: Signed, customer_id: UUID, body: Annotated[schemas.CreditToApply, Depends(JsonBody(schemas.CreditToApply))]
) -> Response:
    """Pay for another order of the same customer with it."""
    command = customer_credit.ApplyCustomerCredit(customer_id=customer_id, **dict(body))
    return ok(schemas.CreditApplied.of(caller.ask(command, customer_credit.CreditApplied)))
