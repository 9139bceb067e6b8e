"""Project funds: what the university's finance system has set aside for an order, and naming another project."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import Caller, JsonBody, Signed
from gateway.schemas import funding as schemas
from services.shared.messages.billing import funding

router = APIRouter(prefix="/v1", tags=["billing"])


def _answer(caller: Caller, command: funding.NameProject | funding.AskFundingAgain) -> schemas.ShownFunding:
    return schemas.ShownFunding.of(caller.ask(command, funding.FundingView))


@router.get("/orders/{order_id}/funding", response_model=schemas.FundingPage)
def get_order_funding(caller: Signed, order_id: UUID) -> Response:
    """All reservations of the order, the newest first."""
    page = caller.ask(funding.GetOrderFunding(order_id=order_id), funding.FundingPage)
    return ok(schemas.FundingPage.of(page))


@router.post("/orders/{order_id}/funding", status_code=problems.CREATED, response_model=schemas.ShownFunding)
def name_project(
    caller: Signed, order_id: UUID, body: Annotated[schemas.ProjectToName, Depends(JsonBody(schemas.ProjectToName))]
) -> Response:
    """Another project is to pay, because the one before was refused."""
    command = funding.NameProject(order_id=order_id, **dict(body))
    return created(_answer(caller, command), f"/v1/orders/{order_id}/funding")


@router.get("/funding", response_model=schemas.FundingPage)
def list_funding(caller: Signed, listed: Annotated[schemas.FundingListed, Query()]) -> Response:
    """All reservations, newest first; for the operating company's finance."""
    return ok(schemas.FundingPage.of(caller.ask(funding.ListFunding(**dict(listed)), funding.FundingPage)))


@router.post("/funding/{funding_id}/ask-again", response_model=schemas.ShownFunding)
def ask_funding_again(caller: Signed, funding_id: UUID) -> Response:
    """Ask a finance system anew that has left something unclear to the last."""
    return ok(_answer(caller, funding.AskFundingAgain(funding_id=funding_id)))
