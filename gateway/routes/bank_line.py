"""What waits in suspense: who says what it is, who confirms it, who takes it back."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway.answers import ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import bank_line as schemas
from services.shared.messages.billing import bank_line

router = APIRouter(prefix="/v1/bank-statements", tags=["billing"])


@router.get("/suspense", response_model=schemas.SuspensePage)
def list_suspense(caller: Signed, listed: Annotated[schemas.SuspenseListed, Query()]) -> Response:
    """The oldest or the largest first, each with the payments it may be for; how much waits for how long."""
    page = caller.ask(bank_line.ListSuspense(**dict(listed)), bank_line.SuspensePage)
    return ok(schemas.SuspensePage.of(page))


@router.get("/lines/{bank_line_id}", response_model=schemas.BankLineInDetail)
def get_bank_line(caller: Signed, bank_line_id: UUID) -> Response:
    view = caller.ask(bank_line.GetBankLine(bank_line_id=bank_line_id), bank_line.BankLineView)
    return ok(schemas.BankLineInDetail.of(view))


@router.post("/lines/{bank_line_id}/resolve", response_model=schemas.BankLineInDetail)
def resolve_bank_line(
    caller: Signed,
    bank_line_id: UUID,
    body: Annotated[schemas.BankLineToResolve, Depends(JsonBody(schemas.BankLineToResolve))],
) -> Response:
    """Match it by hand; above an amount it is proposed, and another one confirms it."""
    command = bank_line.ResolveBankLine(bank_line_id=bank_line_id, **dict(body))
    return ok(schemas.BankLineInDetail.of(caller.ask(command, bank_line.BankLineView)))


@router.post("/lines/{bank_line_id}/confirm", response_model=schemas.BankLineInDetail)
def confirm_bank_line(caller: Signed, bank_line_id: UUID) -> Response:
    """Agree with what another one proposed."""
    view = caller.ask(bank_line.ConfirmBankLine(bank_line_id=bank_line_id), bank_line.BankLineView)
    return ok(schemas.BankLineInDetail.of(view))


@router.post("/lines/{bank_line_id}/undo", response_model=schemas.BankLineInDetail)
def undo_bank_line(
    caller: Signed,
    bank_line_id: UUID,
    body: Annotated[schemas.BankLineToUndo, Depends(JsonBody(schemas.BankLineToUndo))],
) -> Response:
    """What it was matched to was wrong: it waits in suspense again."""
    command = bank_line.UndoBankLine(bank_line_id=bank_line_id, reason=body.reason)
    return ok(schemas.BankLineInDetail.of(caller.ask(command, bank_line.BankLineView)))
