"""What the operation looks after: inboxes, replay, dead letters of each service."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from gateway.answers import ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import notify as schemas
from services.shared.messages import base

router = APIRouter(prefix="/v1", tags=["operation"])


@router.get("/operations/inbox", response_model=schemas.Inbox)
def list_parked(caller: Signed, listed: Annotated[schemas.OperationListed, Query()]) -> Response:
    """Events that a service could not handle, or tries again."""
    page = caller.ask(base.ListParked(limit=listed.limit), base.ParkedPage, service=listed.service)
    return ok(schemas.Inbox.of(page))


@router.post("/operations/inbox/replay", response_model=schemas.Replayed)
def replay_parked(
    caller: Signed, body: Annotated[schemas.ReplayWanted, Depends(JsonBody(schemas.ReplayWanted))]
) -> Response:
    """Have a parked event handled again, after what was wrong is mended."""
    command = base.ReplayParked(from_source=body.from_source, seq=body.seq)
    return ok(schemas.Replayed.of(caller.ask(command, base.ReplayReceipt, service=body.service)))


@router.get("/operations/dead-letters", response_model=schemas.DeadLetterPage)
def list_dead_letters(caller: Signed, listed: Annotated[schemas.OperationListed, Query()]) -> Response:
    """Messages that never became an event at a service."""
    page = caller.ask(base.ListDeadLetters(limit=listed.limit), base.DeadLetterPage, service=listed.service)
    return ok(schemas.DeadLetterPage.of(page))
