"""Booking by hand: one proposes, another approves."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import adjustment as schemas
from services.shared.messages.billing import adjustment

router = APIRouter(prefix="/v1", tags=["billing"])


@router.post("/ledger/adjustments", status_code=problems.CREATED, response_model=schemas.Adjustment)
def propose_adjustment(
    caller: Signed, body: Annotated[schemas.AdjustmentToPropose, Depends(JsonBody(schemas.AdjustmentToPropose))]
) -> Response:
    """Write off, round, or move to another line; on the accounts that each kind may touch."""
    view = caller.ask(adjustment.ProposeAdjustment(**dict(body)), adjustment.AdjustmentView)
    return created(schemas.Adjustment.of(view), "/v1/ledger/adjustments")


@router.post("/ledger/reversals", status_code=problems.CREATED, response_model=schemas.Adjustment)
def propose_reversal(
    caller: Signed, body: Annotated[schemas.ReversalToPropose, Depends(JsonBody(schemas.ReversalToPropose))]
) -> Response:
    """Take back a transaction that was booked by hand."""
    view = caller.ask(adjustment.ProposeReversal(**dict(body)), adjustment.AdjustmentView)
    return created(schemas.Adjustment.of(view), "/v1/ledger/adjustments")


@router.post("/ledger/adjustments/{adjustment_id}/approve", response_model=schemas.Adjustment)
def approve_adjustment(caller: Signed, adjustment_id: UUID) -> Response:
    """By somebody else than who proposed it; it is booked."""
    command = adjustment.ApproveAdjustment(adjustment_id=adjustment_id)
    return ok(schemas.Adjustment.of(caller.ask(command, adjustment.AdjustmentView)))


@router.post("/ledger/adjustments/{adjustment_id}/refuse", response_model=schemas.Adjustment)
def refuse_adjustment(caller: Signed, adjustment_id: UUID) -> Response:
    """It is not booked. Who proposed it withdraws it thus."""
    command = adjustment.RefuseAdjustment(adjustment_id=adjustment_id)
    return ok(schemas.Adjustment.of(caller.ask(command, adjustment.AdjustmentView)))


@router.get("/ledger/adjustments", response_model=schemas.AdjustmentPage)
def list_adjustments(caller: Signed, listed: Annotated[schemas.AdjustmentsListed, Query()]) -> Response:
    asked = adjustment.ListAdjustments(**dict(listed))
    return ok(schemas.AdjustmentPage.of(caller.ask(asked, adjustment.AdjustmentPage)))
