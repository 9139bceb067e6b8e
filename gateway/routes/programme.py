"""Programmes: their rules are public; the operating company publishes them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import programme as schemas
from gateway.schemas.base import Listed
from services.shared.messages.billing import programme, programme_statement

router = APIRouter(prefix="/v1", tags=["billing"])


@router.post("/programmes", status_code=problems.CREATED, response_model=schemas.Programme)
def publish_programme(
    caller: Signed, body: Annotated[schemas.ProgrammeToPublish, Depends(JsonBody(schemas.ProgrammeToPublish))]
) -> Response:
    """A new one, or other rules from an instant on for the one with this code."""
    view = caller.ask(programme.PublishProgramme(**dict(body)), programme.ProgrammeView)
    return created(schemas.Programme.of(view), f"/v1/programmes/{view.programme_id}")


@router.post(
    "/programmes/{programme_id}/statements", status_code=problems.CREATED, response_model=schemas.ProgrammeStatement
)
def import_programme_statement(
    caller: Signed,
    programme_id: UUID,
    body: Annotated[schemas.ProgrammeStatementToImport, Depends(JsonBody(schemas.ProgrammeStatementToImport))],
) -> Response:
    """What the authority says it has granted and paid; reconciliation sets it beside claims and vouchers."""
    command = programme_statement.ImportProgrammeStatement(programme_id=programme_id, **dict(body))
    view = caller.ask(command, programme_statement.ProgrammeStatementView)
    return created(schemas.ProgrammeStatement.of(view), f"/v1/programmes/{programme_id}")


@router.post("/programmes/{programme_id}/release-funds", response_model=schemas.Programme)
def release_programme_funds(
    caller: Signed,
    programme_id: UUID,
    body: Annotated[schemas.FundsToRelease, Depends(JsonBody(schemas.FundsToRelease))],
) -> Response:
    """Money that came ahead and is neither spent nor promised is to go back to the authority."""
    command = programme.ReleaseProgrammeFunds(programme_id=programme_id, amount=body.amount)
    return ok(schemas.Programme.of(caller.ask(command, programme.ProgrammeView)))


@router.get("/programmes", response_model=schemas.ProgrammePage)
def list_programmes(caller: Signed, listed: Annotated[Listed, Query()]) -> Response:
    query = programme.ListProgrammes(**dict(listed))
    return ok(schemas.ProgrammePage.of(caller.ask(query, programme.ProgrammePage)))


@router.get("/programmes/{programme_id}", response_model=schemas.Programme)
def get_programme(caller: Signed, programme_id: UUID) -> Response:
    query = programme.GetProgramme(programme_id=programme_id)
    return ok(schemas.Programme.of(caller.ask(query, programme.ProgrammeView)))
