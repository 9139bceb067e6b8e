"""Which station brought which customer."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import referral as schemas
from services.shared.messages.billing import referral

router = APIRouter(prefix="/v1", tags=["billing"])


@router.get("/referrals", response_model=schemas.ReferralPage)
def list_referrals(caller: Signed, listed: Annotated[schemas.ReferralsListed, Query()]) -> Response:
    return ok(schemas.ReferralPage.of(caller.ask(referral.ListReferrals(**listed.fields()), referral.ReferralPage)))


@router.get("/referrals/{referral_id}", response_model=schemas.ReferralCase)
def get_referral(caller: Signed, referral_id: UUID) -> Response:
    """With all that other stations claimed of this customer, for who decides."""
    view = caller.ask(referral.GetReferral(referral_id=referral_id), referral.ReferralCase)
    return ok(schemas.ReferralCase.of(view))


@router.get("/referrals/{referral_id}/evidence", response_model=schemas.EvidenceDocument)
def get_referral_evidence(caller: Signed, referral_id: UUID) -> Response:
    view = caller.ask(referral.GetReferralEvidence(referral_id=referral_id), referral.EvidenceDocument)
    return ok(schemas.EvidenceDocument.of(view))


@router.post("/referrals/{referral_id}/evidence", response_model=schemas.Referral)
def submit_referral_evidence(caller: Signed, referral_id: UUID) -> Response:
    """The declared file is uploaded."""
    command = referral.SubmitReferralEvidence(referral_id=referral_id)
    return ok(schemas.Referral.of(caller.ask(command, referral.ReferralView)))


@router.post("/referrals/{referral_id}/revoke", response_model=schemas.Referral)
def revoke_referral(
    caller: Signed,
    referral_id: UUID,
    body: Annotated[schemas.ReferralRevocation, Depends(JsonBody(schemas.ReferralRevocation))],
) -> Response:
    """Orders placed from now on earn the station nothing."""
    command = referral.RevokeReferral(referral_id=referral_id, reason=body.reason)
    return ok(schemas.Referral.of(caller.ask(command, referral.ReferralView)))


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
