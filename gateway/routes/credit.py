"""Credit lines: proposed by one, approved by another, suspended by anybody of finance."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import Caller, JsonBody, Signed
from gateway.schemas import credit as schemas
from services.shared.messages.billing import credit

router = APIRouter(prefix="/v1", tags=["billing"])


def _line(caller: Caller, view: credit.CreditLineView) -> schemas.CustomerCreditLine:
    """What finance thinks about, and why, is not the customer's to read."""
    shown = schemas.OperatorCreditLine if caller.actor.operator else schemas.CustomerCreditLine
    return shown.of(view)


@router.post("/credit-lines", status_code=problems.CREATED, response_model=schemas.OperatorCreditLine)
def propose_credit_line(
    caller: Signed, body: Annotated[schemas.CreditLineToPropose, Depends(JsonBody(schemas.CreditLineToPropose))]
) -> Response:
    """Terms for a customer, for a line there is or a new one; they hold once another approves them."""
    view = caller.ask(credit.ProposeCreditLine(**dict(body)), credit.CreditLineView)
    return created(_line(caller, view), f"/v1/credit-lines/{view.credit_line_id}")


@router.post("/credit-lines/{credit_line_id}/approve", response_model=schemas.OperatorCreditLine)
def approve_credit_line(
    caller: Signed,
    credit_line_id: UUID,
    body: Annotated[schemas.CreditLineToApprove, Depends(JsonBody(schemas.CreditLineToApprove))],
) -> Response:
    """By somebody else than who proposed it; lifts a suspension."""
    command = credit.ApproveCreditLine(credit_line_id=credit_line_id, proposal_id=body.proposal_id)
    return ok(_line(caller, caller.ask(command, credit.CreditLineView)))


@router.post("/credit-lines/{credit_line_id}/suspend", response_model=schemas.OperatorCreditLine)
def suspend_credit_line(
    caller: Signed,
    credit_line_id: UUID,
    body: Annotated[schemas.CreditLineToSuspend, Depends(JsonBody(schemas.CreditLineToSuspend))],
) -> Response:
    """At once; what is granted stays granted."""
    command = credit.SuspendCreditLine(credit_line_id=credit_line_id, reason=body.reason)
    return ok(_line(caller, caller.ask(command, credit.CreditLineView)))


@router.get("/credit-lines", response_model=schemas.CreditLinePage)
def list_credit_lines(caller: Signed, listed: Annotated[schemas.CreditLinesListed, Query()]) -> Response:
    page = caller.ask(credit.ListCreditLines(**dict(listed)), credit.CreditLinePage)
    items = tuple(_line(caller, view) for view in page.items)
    return ok(schemas.CreditLinePage(items=items, next_cursor=page.next_cursor))


@router.get(
    "/credit-lines/{credit_line_id}", response_model=schemas.OperatorCreditLine | schemas.CustomerCreditLine
)  # fmt: skip
def get_credit_line(caller: Signed, credit_line_id: UUID) -> Response:
    return ok(_line(caller, caller.ask(credit.GetCreditLine(credit_line_id=credit_line_id), credit.CreditLineView)))
