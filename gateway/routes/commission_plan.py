"""How the net of an order is shared."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import commission_plan as schemas
from services.shared.messages.billing import commission_plan

router = APIRouter(prefix="/v1", tags=["billing"])


@router.get("/commission-plans", response_model=schemas.CommissionPlanPage)
def list_commission_plans(caller: Signed) -> Response:
    page = caller.ask(commission_plan.ListCommissionPlans(), commission_plan.CommissionPlanPage)
    return ok(schemas.CommissionPlanPage.of(page))


@router.post("/commission-plans", status_code=problems.CREATED, response_model=schemas.CommissionPlan)
def publish_commission_plan(
    caller: Signed, body: Annotated[schemas.CommissionPlanToPublish, Depends(JsonBody(schemas.CommissionPlanToPublish))]
) -> Response:
    """In force from its day on; signed contracts keep theirs."""
    view = caller.ask(commission_plan.PublishCommissionPlan(**dict(body)), commission_plan.CommissionPlanView)
    return created(schemas.CommissionPlan.of(view), "/v1/commission-plans")
