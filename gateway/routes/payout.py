"""Paying settlements: one starts, another releases, a bank order tells the bank."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import payout as schemas
from gateway.schemas.base import Listed
from services.shared.messages.billing import payout

router = APIRouter(prefix="/v1", tags=["billing"])


@router.post("/payouts", status_code=problems.CREATED, response_model=schemas.Payout)
def start_payout(
    caller: Signed, body: Annotated[schemas.PayoutToStart, Depends(JsonBody(schemas.PayoutToStart))]
) -> Response:
    """One person starts it; another one releases it."""
    view = caller.ask(payout.StartPayout(settlement_id=body.settlement_id), payout.PayoutView)
    return created(schemas.Payout.of(view), f"/v1/payouts/{view.payout_id}")


@router.post("/payouts/{payout_id}/release", response_model=schemas.Payout)
def release_payout(caller: Signed, payout_id: UUID) -> Response:
    return ok(schemas.Payout.of(caller.ask(payout.ReleasePayout(payout_id=payout_id), payout.PayoutView)))


@router.post("/payouts/{payout_id}/cancel", response_model=schemas.Payout)
def cancel_payout(caller: Signed, payout_id: UUID) -> Response:
    """While the bank has not been told."""
    return ok(schemas.Payout.of(caller.ask(payout.CancelPayout(payout_id=payout_id), payout.PayoutView)))


@router.post("/payouts/{payout_id}/fail", response_model=schemas.Payout)
def fail_payout(
    caller: Signed, payout_id: UUID, body: Annotated[schemas.PayoutToFail, Depends(JsonBody(schemas.PayoutToFail))]
) -> Response:
    """The bank did not pay and answers by no file; said by somebody else than who released it."""
    asked = payout.FailPayout(payout_id=payout_id, reason=body.reason)
    return ok(schemas.Payout.of(caller.ask(asked, payout.PayoutView)))


@router.get("/payouts", response_model=schemas.PayoutPage)
def list_payouts(caller: Signed, listed: Annotated[Listed, Query()]) -> Response:
    return ok(schemas.PayoutPage.of(caller.ask(payout.ListPayouts(**dict(listed)), payout.PayoutPage)))


@router.get("/payouts/{payout_id}", response_model=schemas.Payout)
def get_payout(caller: Signed, payout_id: UUID) -> Response:
    return ok(schemas.Payout.of(caller.ask(payout.GetPayout(payout_id=payout_id), payout.PayoutView)))
