"""How the net of an order is shared."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import commission_plan as schemas
from services.shared.messages.billing import commission_plan

router = APIRouter(prefix="/v1", tags=["billing"])


@router.get("/commission-plans", response_model=schemas.CommissionPlanPage)
def list_commission_plans(caller: Signed, wanted: Annotated[schemas.CommissionPlansListed, Query()]) -> Response:
    """All that ever were, newest first."""
    query = commission_plan.ListCommissionPlans(**wanted.fields())
    return ok(schemas.CommissionPlanPage.of(caller.ask(query, commission_plan.CommissionPlanPage)))


@router.post("/commission-plans", status_code=problems.CREATED, response_model=schemas.CommissionPlan)
def publish_commission_plan(
    caller: Signed, body: Annotated[schemas.CommissionPlanToPublish, Depends(JsonBody(schemas.CommissionPlanToPublish))]
) -> Response:
    """In force from its instant on, until the next one for the same orders; signed contracts keep theirs."""
    view = caller.ask(commission_plan.PublishCommissionPlan(**dict(body)), commission_plan.CommissionPlanView)
    return created(schemas.CommissionPlan.of(view), "/v1/commission-plans")


@router.post("/commission-plans/preview", response_model=schemas.SplitPreview)
def preview_split(
    caller: Signed, body: Annotated[schemas.OrderToPreview, Depends(JsonBody(schemas.OrderToPreview))]
) -> Response:
    """What an order would yield: who would get what of it. Nothing is kept of it."""
    view = caller.ask(commission_plan.PreviewSplit(**dict(body)), commission_plan.SplitPreview)
    return ok(schemas.SplitPreview.of(view))
