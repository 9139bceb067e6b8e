"""Related parties: who controls whom or holds shares of whom, declared and withdrawn."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import related_party as schemas
from services.shared.messages.billing import related_party

router = APIRouter(prefix="/v1/related-parties", tags=["billing"])


@router.post("", status_code=problems.CREATED, response_model=schemas.Relation)
def declare_relation(
    caller: Signed, body: Annotated[schemas.RelationToDeclare, Depends(JsonBody(schemas.RelationToDeclare))]
) -> Response:
    """Who controls whom, or holds shares of whom."""
    view = caller.ask(related_party.DeclareRelation(**dict(body)), related_party.RelationView)
    return created(schemas.Relation.of(view), "/v1/related-parties")


@router.get("", response_model=schemas.RelationPage)
def list_relations(caller: Signed, listed: Annotated[schemas.RelationsListed, Query()]) -> Response:
    """Those of one's own organisation; all for the company's staff; withdrawn ones too."""
    return ok(
        schemas.RelationPage.of(caller.ask(related_party.ListRelations(**listed.fields()), related_party.RelationPage))
    )


@router.post("/{relation_id}/withdraw", response_model=schemas.Relation)
def withdraw_relation(
    caller: Signed, relation_id: UUID,
    body: Annotated[schemas.RelationToWithdraw, Depends(JsonBody(schemas.RelationToWithdraw))],
) -> Response:  # fmt: skip
    """The company's staff has found it mistaken, or no longer true."""
    asked = related_party.WithdrawRelation(relation_id=relation_id, reason=body.reason)
    return ok(schemas.Relation.of(caller.ask(asked, related_party.RelationView)))
