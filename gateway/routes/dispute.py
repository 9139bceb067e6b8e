"""Objecting to what was delivered, answering, and deciding."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import Caller, JsonBody, Signed
from gateway.schemas import dispute as schemas
from services.shared.messages.base import Command
from services.shared.messages.orders import dispute as messages

router = APIRouter(prefix="/v1", tags=["orders"])


def _shown(caller: Caller, view: messages.DisputeView) -> schemas.ShownDispute:
    """The side of the dispute that the asker may see."""
    if caller.actor.organisation_id == view.customer_id:
        return schemas.CustomerDispute.of(view)
    if caller.actor.organisation_id == view.provider_id:
        return schemas.ProviderDispute.of(view)
    return schemas.OperatorDispute.of(view)


def _done(caller: Caller, wanted: Command) -> Response:
    return ok(_shown(caller, caller.ask(wanted, messages.DisputeView)))


@router.post("/disputes", status_code=problems.CREATED, response_model=schemas.ShownDispute)
def open_dispute(
    caller: Signed, body: Annotated[schemas.DisputeToOpen, Depends(JsonBody(schemas.DisputeToOpen))]
) -> Response:
    """Within the objection days after delivery. Acceptance and payout wait meanwhile."""
    view = caller.ask(messages.OpenDispute(**dict(body)), messages.DisputeView)
    return created(_shown(caller, view), f"/v1/disputes/{view.dispute_id}")


@router.get("/disputes", response_model=schemas.DisputePage)
def list_disputes(caller: Signed, listed: Annotated[schemas.DisputesListed, Query()]) -> Response:
    page = caller.ask(messages.ListDisputes(**dict(listed)), messages.DisputePage)
    items = tuple(_shown(caller, view) for view in page.items)
    return ok(schemas.DisputePage(items=items, next_cursor=page.next_cursor))


@router.get("/disputes/{dispute_id}", response_model=schemas.ShownDispute)
def get_dispute(caller: Signed, dispute_id: UUID) -> Response:
    return ok(_shown(caller, caller.ask(messages.GetDispute(dispute_id=dispute_id), messages.DisputeView)))


@router.post("/disputes/{dispute_id}/answer", response_model=schemas.ShownDispute)
def answer_dispute(
    caller: Signed, dispute_id: UUID, body: Annotated[schemas.ThingToSay, Depends(JsonBody(schemas.ThingToSay))]
) -> Response:
    """What the provider says to it."""
    return _done(caller, messages.AnswerDispute(dispute_id=dispute_id, text=body.text))


@router.post("/disputes/{dispute_id}/comments", response_model=schemas.ShownDispute)
def comment_on_dispute(
    caller: Signed, dispute_id: UUID, body: Annotated[schemas.ThingToSay, Depends(JsonBody(schemas.ThingToSay))]
) -> Response:
    return _done(caller, messages.CommentOnDispute(dispute_id=dispute_id, text=body.text))


@router.post("/disputes/{dispute_id}/evidence", response_model=schemas.ShownDispute)
def declare_dispute_evidence(
    caller: Signed, dispute_id: UUID,
    body: Annotated[schemas.EvidenceToDeclare, Depends(JsonBody(schemas.EvidenceToDeclare))],
) -> Response:  # fmt: skip
    """Declare a file; the last evidence of the answer says where to PUT it."""
    return _done(caller, messages.DeclareEvidence(dispute_id=dispute_id, **dict(body)))


@router.post("/disputes/{dispute_id}/evidence/{evidence_id}/submit", response_model=schemas.ShownDispute)
def submit_dispute_evidence(caller: Signed, dispute_id: UUID, evidence_id: UUID) -> Response:
    """The file is uploaded: have it checked and kept."""
    return _done(caller, messages.SubmitEvidence(dispute_id=dispute_id, evidence_id=evidence_id))


@router.post("/disputes/{dispute_id}/decide", response_model=schemas.ShownDispute)
def decide_dispute(
    caller: Signed, dispute_id: UUID,
    body: Annotated[schemas.DisputeToDecide, Depends(JsonBody(schemas.DisputeToDecide))],
) -> Response:  # fmt: skip
    """By the operating company; a refund follows by itself."""
    return _done(caller, messages.DecideDispute(dispute_id=dispute_id, **dict(body)))


@router.post("/disputes/{dispute_id}/withdraw", response_model=schemas.ShownDispute)
def withdraw_dispute(caller: Signed, dispute_id: UUID) -> Response:
    return _done(caller, messages.WithdrawDispute(dispute_id=dispute_id))
