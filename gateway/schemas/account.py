"""Accounts of the ledger as of any time: trial balance, statement, explanation."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from gateway.schemas.base import Listed, Shown
from gateway.schemas.ledger import LedgerEntry
from services.shared.messages.base import Instant
from services.shared.messages.billing.account import AccountName, CurrencyCode
from services.shared.messages.billing.ledger import Side


class AsOf(Listed):
    until: Annotated[Instant | None, Field(description="what counts before this instant; default now")] = None
    known_at: Annotated[Instant | None, Field(description="as it was known then; default now")] = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100


class StatementListed(AsOf):
    account: AccountName
    currency: CurrencyCode = "CNY"
    since: Annotated[Instant | None, Field(description="what counts from this instant on; default all")] = None


class ExplanationListed(AsOf):
    account: AccountName
    currency: CurrencyCode = "CNY"
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class AccountBalance(Shown):
    account: str
    currency: str
    debit: int
    credit: int


class CurrencyTotal(Shown):
    currency: str
    debit: int
    credit: int


class TrialBalance(Shown):
    until: Instant
    known_at: Instant
    totals: tuple[CurrencyTotal, ...]
    items: tuple[AccountBalance, ...]
    next_cursor: str | None


class StatementLine(Shown):
    transaction_id: UUID
    line: int
    key: str
    kind: str
    order_id: UUID | None
    order_number: str
    effective_at: Instant
    business_at: Instant | None
    posted_at: Instant
    side: Side
    amount: int
    balance: int


class AccountStatement(Shown):
    account: str
    currency: str
    side: Side
    since: Instant | None
    until: Instant
    known_at: Instant
    opening: int
    closing: int
    items: tuple[StatementLine, ...]
    next_cursor: str | None


class Cause(Shown):
    kind: Annotated[str, Field(description="event, request, timer, outside_call or other")]
    what: str
    where: str
    about: str
    who: str
    at: Instant | None


class Reference(Shown):
    noun: str
    number: str
    thing_id: UUID | None


class ExplainedEntry(Shown):
    transaction_id: UUID
    key: str
    kind: str
    side: Side
    amount: int
    effective_at: Instant
    business_at: Instant | None
    posted_at: Instant
    reverses: UUID | None
    reversed_by: UUID | None
    entries: tuple[LedgerEntry, ...]
    cause: Cause
    references: tuple[Reference, ...]


class Explanation(Shown):
    account: str
    currency: str
    side: Side
    until: Instant
    known_at: Instant
    balance: int
    items: tuple[ExplainedEntry, ...]
    next_cursor: str | None
