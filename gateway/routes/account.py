"""What stood on the ledger's accounts, as of any time and as known at any time; and why."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from gateway.answers import ok
from gateway.calls import Signed
from gateway.schemas import account as schemas
from services.shared.messages.billing import account

router = APIRouter(prefix="/v1", tags=["billing"])


@router.get("/ledger/trial-balance", response_model=schemas.TrialBalance)
def get_trial_balance(caller: Signed, listed: Annotated[schemas.AsOf, Query()]) -> Response:
    """Every account that is not even; debits equal credits in each currency."""
    asked = account.GetTrialBalance(**dict(listed))
    return ok(schemas.TrialBalance.of(caller.ask(asked, account.TrialBalancePage)))


@router.get("/ledger/statement", response_model=schemas.AccountStatement)
def get_account_statement(caller: Signed, listed: Annotated[schemas.StatementListed, Query()]) -> Response:
    """One account: opening balance, lines each with the balance after it, closing balance."""
    asked = account.GetAccountStatement(**dict(listed))
    return ok(schemas.AccountStatement.of(caller.ask(asked, account.AccountStatementPage)))


@router.get("/ledger/explanation", response_model=schemas.Explanation)
def explain_balance(caller: Signed, listed: Annotated[schemas.ExplanationListed, Query()]) -> Response:
    """Why this figure: its entries, their transactions, what led to them, and the things they are about."""
    asked = account.ExplainBalance(**dict(listed))
    return ok(schemas.Explanation.of(caller.ask(asked, account.ExplanationPage)))
