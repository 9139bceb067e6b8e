"""Small enterprises: declared by a provider or station, confirmed by the company's staff."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import small_enterprise as schemas
from services.shared.messages.billing import small_enterprise

router = APIRouter(prefix="/v1/small-enterprises", tags=["billing"])


@router.post("", status_code=problems.CREATED, response_model=schemas.SmallEnterprise)
def declare_small_enterprise(
    caller: Signed,
    body: Annotated[schemas.SmallEnterpriseToDeclare, Depends(JsonBody(schemas.SmallEnterpriseToDeclare))],
) -> Response:
    """How large one's own organisation is, from a day on; it has effect once it is confirmed."""
    asked = small_enterprise.DeclareSmallEnterprise(**dict(body))
    view = caller.ask(asked, small_enterprise.SmallEnterpriseView)
    return created(schemas.SmallEnterprise.of(view), "/v1/small-enterprises")


@router.post("/{declaration_id}/decide", response_model=schemas.SmallEnterprise)
def decide_small_enterprise(
    caller: Signed,
    declaration_id: UUID,
    body: Annotated[schemas.SmallEnterpriseToDecide, Depends(JsonBody(schemas.SmallEnterpriseToDecide))],
) -> Response:
    """The company's staff has looked it up."""
    asked = small_enterprise.DecideSmallEnterprise(declaration_id=declaration_id, confirmed=body.confirmed)
    return ok(schemas.SmallEnterprise.of(caller.ask(asked, small_enterprise.SmallEnterpriseView)))


@router.get("", response_model=schemas.SmallEnterprisePage)
def list_small_enterprises(caller: Signed, listed: Annotated[schemas.SmallEnterprisesListed, Query()]) -> Response:
    asked = small_enterprise.ListSmallEnterprises(**dict(listed))
    return ok(schemas.SmallEnterprisePage.of(caller.ask(asked, small_enterprise.SmallEnterprisePage)))
