"""Claims: a programme's authority is asked for its part, with the evidence."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import claim as schemas
from services.shared.messages.billing import claim

router = APIRouter(prefix="/v1", tags=["billing"])


@router.post("/claims", status_code=problems.CREATED, response_model=schemas.Claim)
def submit_claim(
    caller: Signed, body: Annotated[schemas.ClaimToSubmit, Depends(JsonBody(schemas.ClaimToSubmit))]
) -> Response:
    """By whom the programme pays; where every rule holds it may be approved at once."""
    view = caller.ask(claim.SubmitClaim(**dict(body)), claim.ClaimView)
    return created(schemas.Claim.of(view), f"/v1/claims/{view.claim_id}")


@router.get("/claims", response_model=schemas.ClaimPage)
def list_claims(caller: Signed, listed: Annotated[schemas.ClaimsListed, Query()]) -> Response:
    return ok(schemas.ClaimPage.of(caller.ask(claim.ListClaims(**dict(listed)), claim.ClaimPage)))


@router.get("/claims/{claim_id}", response_model=schemas.Claim)
def get_claim(caller: Signed, claim_id: UUID) -> Response:
    return ok(schemas.Claim.of(caller.ask(claim.GetClaim(claim_id=claim_id), claim.ClaimView)))


@router.get("/claims/{claim_id}/pack", response_model=schemas.ClaimPack)
def get_claim_pack(caller: Signed, claim_id: UUID) -> Response:
    """A zip with the manifest of all papers and their hashes."""
    return ok(schemas.ClaimPack.of(caller.ask(claim.GetClaimPack(claim_id=claim_id), claim.ClaimPack)))


@router.post("/claims/{claim_id}/resubmit", response_model=schemas.Claim)
def resubmit_claim(caller: Signed, claim_id: UUID) -> Response:
    """After it was sent back."""
    return ok(schemas.Claim.of(caller.ask(claim.ResubmitClaim(claim_id=claim_id), claim.ClaimView)))


@router.post("/claims/{claim_id}/review", response_model=schemas.Claim)
def review_claim(
    caller: Signed, claim_id: UUID, body: Annotated[schemas.ClaimReview, Depends(JsonBody(schemas.ClaimReview))]
) -> Response:
    """Two persons approve, neither of whom submitted it; one sends back or rejects, with a reason."""
    command = claim.ReviewClaim(claim_id=claim_id, **dict(body))
    return ok(schemas.Claim.of(caller.ask(command, claim.ClaimView)))


@router.post("/claims/{claim_id}/record-payment", response_model=schemas.Claim)
def record_claim_paid(
    caller: Signed, claim_id: UUID, body: Annotated[schemas.ClaimPayment, Depends(JsonBody(schemas.ClaimPayment))]
) -> Response:
    """The authority paid the customer or the provider itself."""
    command = claim.RecordClaimPaid(claim_id=claim_id, reference=body.reference)
    return ok(schemas.Claim.of(caller.ask(command, claim.ClaimView)))
