"""Accounts of the ledger: what stood on them when, line by line, and why."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Instant, Message, Page, Query
from services.shared.messages.billing.commission_plan import FINANCE
from services.shared.messages.billing.ledger import Entry, Side

AccountName = Annotated[str, Field(min_length=3, max_length=200)]
CurrencyCode = Annotated[str, Field(min_length=3, max_length=3)]


class _AsOf(Query):
    """
    Attributes:
        until: What counts before this instant; now where none is said.
        known_at: As it was known then: what was posted later is left out. Now where none is said.
    """

    grants: ClassVar[Grants] = FINANCE

    until: Instant | None = None
    known_at: Instant | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100


class AccountBalance(Message):
    """What stands on an account, in minor units, on the side where it stands; the other is 0."""

    account: str
    currency: str
    debit: int
    credit: int


class CurrencyTotal(Message):
    """Sums over all accounts; *debit* = *credit*, or the ledger is broken."""

    currency: str
    debit: int
    credit: int


class GetTrialBalance(_AsOf):
    """Every account that is not even, as of any time. → TrialBalancePage, by name"""

    wire_name: ClassVar = "billing.get_trial_balance"


class TrialBalancePage(Page):
    """*totals* are of the whole, not of the page."""

    until: Instant
    known_at: Instant
    totals: tuple[CurrencyTotal, ...]
    items: tuple[AccountBalance, ...]


class StatementLine(Message):
    """*amount* in minor units; *balance* after it, above zero on the account's own side."""

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


class GetAccountStatement(_AsOf):
    """One account's lines in the order in which they count, from *since* on. → AccountStatementPage"""

    wire_name: ClassVar = "billing.get_account_statement"

    account: AccountName
    currency: CurrencyCode
    since: Instant | None = None


class AccountStatementPage(Page):
    """
    Attributes:
        side: On which the account normally stands: debit for assets and expenses. *opening*, *closing* and each line's
            balance are above zero on it.
        opening: Before the first line of all pages; closing: after the last of all.
    """

    account: str
    currency: str
    side: Side
    since: Instant | None
    until: Instant
    known_at: Instant
    opening: int
    closing: int
    items: tuple[StatementLine, ...]


class Cause(Message):
    """
    What led to a transaction.

    Attributes:
        kind: An event of a service, a person's or machine's request, a timer, or what came back from outside.
        what: Wire name of the event; the timer's or the outside call's kind; empty for a request.
        where: Number of the event in its source's log, `orders/4711`; the correlation id of a request.
        about: The event's stream, `order/<id>`; the timer's subject; the outside call's key.
        who: The organisation and member, where a person or a machine asked.
        at: When the event was received here, or none.
    """

    kind: Literal["event", "request", "timer", "outside_call", "other"]
    what: str
    where: str
    about: str
    who: str
    at: Instant | None


class Reference(Message):
    """A thing that a transaction is about. *number* is what people call it by."""

    noun: str
    number: str
    thing_id: UUID | None


class ExplainedEntry(Message):
    """One entry of the account and all that stands behind it; *entries* are the whole transaction's."""

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
    entries: tuple[Entry, ...]
    cause: Cause
    references: tuple[Reference, ...]


class ExplainBalance(_AsOf):
    """
    Why this figure: the entries that an account's balance is the sum of, newest first, each with its
    transaction, what led to it, and the order, payment, settlement it is about. → ExplanationPage
    """

    wire_name: ClassVar = "billing.explain_balance"

    account: AccountName
    currency: CurrencyCode
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ExplanationPage(Page):
    """*balance* is above zero on *side*; it is the sum of the entries of all pages."""

    account: str
    currency: str
    side: Side
    until: Instant
    known_at: Instant
    balance: int
    items: tuple[ExplainedEntry, ...]
