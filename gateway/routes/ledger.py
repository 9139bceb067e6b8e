"""The ledger: trial balance, transactions, invariants."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from gateway.answers import ok
from gateway.calls import Signed
from gateway.schemas import ledger as schemas
from services.shared.messages.billing import ledger

router = APIRouter(prefix="/v1", tags=["billing"])


@router.get("/ledger/balances", response_model=schemas.BalancePage)
def list_balances(
    caller: Signed, prefix: Annotated[str, Query(max_length=200, description="of the accounts' names")] = ""
) -> Response:
    """The trial balance."""
    return ok(schemas.BalancePage.of(caller.ask(ledger.ListBalances(prefix=prefix), ledger.BalancePage)))


@router.get("/ledger/transactions", response_model=schemas.LedgerTransactionPage)
def list_ledger_transactions(caller: Signed, listed: Annotated[schemas.TransactionsListed, Query()]) -> Response:
    asked = ledger.ListLedgerTransactions(**dict(listed))
    return ok(schemas.LedgerTransactionPage.of(caller.ask(asked, ledger.LedgerTransactionPage)))


@router.post("/ledger/invariants", response_model=schemas.Invariants)
def check_invariants(caller: Signed) -> Response:
    """Recompute the sums and check the invariants of the ledger."""
    return ok(schemas.Invariants.of(caller.ask(ledger.CheckInvariants(), ledger.InvariantsView)))
