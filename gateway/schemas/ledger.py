"""The ledger: balances, transactions, invariants."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from gateway.schemas.base import Listed, Shown
from services.shared.messages.base import Instant
from services.shared.messages.billing.ledger import Side


class Balance(Shown):
    account: str
    currency: str
    debit: int
    credit: int


class BalancePage(Shown):
    items: tuple[Balance, ...]
    next_cursor: str | None


class LedgerEntry(Shown):
    line: int
    account: str
    side: Side
    amount: int
    currency: str


class LedgerTransaction(Shown):
    transaction_id: UUID
    key: str
    kind: str
    order_id: UUID | None
    order_number: str
    effective_at: Instant
    business_at: Instant | None
    reverses: UUID | None
    entries: tuple[LedgerEntry, ...]


class LedgerTransactionPage(Shown):
    items: tuple[LedgerTransaction, ...]
    next_cursor: str | None


class TransactionsListed(Listed):
    order_id: UUID | None = None
    account: str | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class Invariants(Shown):
    transactions: int
    checked: tuple[str, ...]
    violations: tuple[str, ...]
    red_letters_awaited: tuple[str, ...]
