"""Subsidies: a provider claims for a period; two review it; the authority pays the provider."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import subsidy as schemas
from gateway.schemas.claim import ClaimPack
from services.shared.messages.billing import claim, subsidy

router = APIRouter(prefix="/v1", tags=["billing"])


@router.post("/subsidies", status_code=problems.CREATED, response_model=schemas.Subsidy)
def submit_subsidy(
    caller: Signed, body: Annotated[schemas.SubsidyToSubmit, Depends(JsonBody(schemas.SubsidyToSubmit))]
) -> Response:
    """For a period that is over, once."""
    view = caller.ask(subsidy.SubmitSubsidy(**dict(body)), subsidy.SubsidyView)
    return created(schemas.Subsidy.of(view), f"/v1/subsidies/{view.subsidy_id}")


@router.get("/subsidies", response_model=schemas.SubsidyPage)
def list_subsidies(caller: Signed, listed: Annotated[schemas.SubsidiesListed, Query()]) -> Response:
    """Without their orders."""
    return ok(schemas.SubsidyPage.of(caller.ask(subsidy.ListSubsidies(**dict(listed)), subsidy.SubsidyPage)))


@router.get("/subsidies/{subsidy_id}", response_model=schemas.Subsidy)
def get_subsidy(caller: Signed, subsidy_id: UUID) -> Response:
    return ok(schemas.Subsidy.of(caller.ask(subsidy.GetSubsidy(subsidy_id=subsidy_id), subsidy.SubsidyView)))


@router.get("/subsidies/{subsidy_id}/pack", response_model=ClaimPack)
def get_subsidy_pack(caller: Signed, subsidy_id: UUID) -> Response:
    """A zip with the orders, their evidence by reference and hash, and each rule's result."""
    return ok(ClaimPack.of(caller.ask(subsidy.GetSubsidyPack(subsidy_id=subsidy_id), claim.ClaimPack)))


@router.post("/subsidies/{subsidy_id}/resubmit", response_model=schemas.Subsidy)
def resubmit_subsidy(caller: Signed, subsidy_id: UUID) -> Response:
    """After it was sent back."""
    return ok(schemas.Subsidy.of(caller.ask(subsidy.ResubmitSubsidy(subsidy_id=subsidy_id), subsidy.SubsidyView)))


@router.post("/subsidies/{subsidy_id}/review", response_model=schemas.Subsidy)
def review_subsidy(
    caller: Signed, subsidy_id: UUID, body: Annotated[schemas.SubsidyReview, Depends(JsonBody(schemas.SubsidyReview))]
) -> Response:
    """Two persons approve, neither of whom submitted it; one sends back or rejects, with a reason."""
    command = subsidy.ReviewSubsidy(subsidy_id=subsidy_id, **dict(body))
    return ok(schemas.Subsidy.of(caller.ask(command, subsidy.SubsidyView)))


@router.post("/subsidies/{subsidy_id}/record-payment", response_model=schemas.Subsidy)
def record_subsidy_paid(
    caller: Signed, subsidy_id: UUID, body: Annotated[schemas.SubsidyPayment, Depends(JsonBody(schemas.SubsidyPayment))]
) -> Response:
    """The authority has paid the provider itself."""
    command = subsidy.RecordSubsidyPaid(subsidy_id=subsidy_id, reference=body.reference)
    return ok(schemas.Subsidy.of(caller.ask(command, subsidy.SubsidyView)))
