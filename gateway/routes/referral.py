"""Which station brought which customer."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import referral as schemas
from services.shared.messages.billing import referral

router = APIRouter(prefix="/v1", tags=["billing"])


@router.get("/referrals", response_model=schemas.ReferralPage)
def list_referrals(caller: Signed) -> Response:
    return ok(schemas.ReferralPage.of(caller.ask(referral.ListReferrals(), referral.ReferralPage)))


@router.post("/referrals", status_code=problems.CREATED, response_model=schemas.Referral)
def claim_referral(
    caller: Signed, body: Annotated[schemas.ReferralToClaim, Depends(JsonBody(schemas.ReferralToClaim))]
) -> Response:
    """A station says that it brought a customer."""
    view = caller.ask(referral.ClaimReferral(**dict(body)), referral.ReferralView)
    return created(schemas.Referral.of(view), "/v1/referrals")


@router.post("/referrals/{referral_id}/decide", response_model=schemas.Referral)
def decide_referral(
    caller: Signed,
    referral_id: UUID,
    body: Annotated[schemas.ReferralDecision, Depends(JsonBody(schemas.ReferralDecision))],
) -> Response:
    """The operating company confirms or refuses."""
    command = referral.DecideReferral(referral_id=referral_id, **dict(body))
    return ok(schemas.Referral.of(caller.ask(command, referral.ReferralView)))
