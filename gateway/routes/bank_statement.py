"""Reading the statements of the bank."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import bank_statement as schemas
from services.shared.messages.billing import bank_statement

router = APIRouter(prefix="/v1", tags=["billing"])


@router.post("/bank-statements", status_code=problems.CREATED, response_model=schemas.BankStatement)
def import_bank_statement(
    caller: Signed, body: Annotated[schemas.BankStatementToImport, Depends(JsonBody(schemas.BankStatementToImport))]
) -> Response:
    """Read a statement as CSV; lines that were read before are recognised."""
    view = caller.ask(bank_statement.ImportBankStatement(**dict(body)), bank_statement.BankStatementView)
    return created(schemas.BankStatement.of(view), "/v1/bank-statements")


@router.post("/bank-statements/files", status_code=problems.CREATED, response_model=schemas.BankStatement)
def import_bank_file(
    caller: Signed, body: Annotated[schemas.BankFileToImport, Depends(JsonBody(schemas.BankFileToImport))]
) -> Response:
    """Read a camt.053 or camt.054 file of the bank; a line that several files tell of is one."""
    view = caller.ask(bank_statement.ImportBankFile(**dict(body)), bank_statement.BankStatementView)
    return created(schemas.BankStatement.of(view), "/v1/bank-statements")


@router.get("/bank-statements", response_model=schemas.BankLinePage)
def list_bank_lines(caller: Signed, listed: Annotated[schemas.BankLinesListed, Query()]) -> Response:
    """The lines of all statements, newest first."""
    asked = bank_statement.ListBankLines(**dict(listed))
    return ok(schemas.BankLinePage.of(caller.ask(asked, bank_statement.BankLinePage)))
