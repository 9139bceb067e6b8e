"""Commission that providers owe and have not paid yet."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from gateway.answers import ok
from gateway.calls import Signed
from gateway.schemas import commission_debt as schemas
from gateway.schemas.base import Listed
from services.shared.messages.billing import commission_debt

router = APIRouter(prefix="/v1", tags=["billing"])


@router.get("/commission-debts", response_model=schemas.CommissionDebtPage)
def list_commission_debts(caller: Signed, listed: Annotated[Listed, Query()]) -> Response:
    """Longest due first; a transfer that names the reference ends one, or the provider's next statement."""
    asked = commission_debt.ListCommissionDebts(**dict(listed))
    return ok(schemas.CommissionDebtPage.of(caller.ask(asked, commission_debt.CommissionDebtPage)))
