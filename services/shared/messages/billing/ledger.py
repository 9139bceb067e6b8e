"""The ledger: double entry, append-only. What finance systems rebuild their books from."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Command, Event, Instant, Message, Page, Query, Sha256, View
from services.shared.messages.billing.commission_plan import FINANCE

Side = Literal["D", "C"]


class Entry(Message):
    """One side of a transaction. *amount* in minor units of *currency*, above zero."""

    line: int
    account: str
    side: Side
    amount: Annotated[int, Field(gt=0)]
    currency: str


class LedgerTransaction(Message):
    """
    Attributes:
        key: The business fact it books; the same fact is never booked twice.
        effective_at: When it counts: when it happened, or the first instant of the next month whose books are open.
        business_at: When it happened, where that is another time.
        reverses: The transaction it takes back, or none.
    """

    transaction_id: UUID
    key: str
    kind: str
    order_id: UUID | None
    order_number: str
    effective_at: Instant
    business_at: Instant | None = None
    reverses: UUID | None
    entries: tuple[Entry, ...]


class Balance(Message):
    """*debit* and *credit* are sums, in minor units; what stands on the account is their difference."""

    account: str
    currency: str
    debit: int
    credit: int


class ListBalances(Query):
    """Every account with its sums: the trial balance. → BalancePage"""

    wire_name: ClassVar = "billing.list_balances"
    grants: ClassVar[Grants] = FINANCE

    prefix: str = ""


class BalancePage(Page):
    items: tuple[Balance, ...]


class ListLedgerTransactions(Query):
    """Newest first. → LedgerTransactionPage"""

    wire_name: ClassVar = "billing.list_ledger_transactions"
    grants: ClassVar[Grants] = FINANCE

    order_id: UUID | None = None
    account: str | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class LedgerTransactionPage(Page):
    items: tuple[LedgerTransaction, ...]


class CheckInvariants(Command):
    """Recomputes the sums and checks the invariants of the ledger. → InvariantsView"""

    wire_name: ClassVar = "billing.check_invariants"
    grants: ClassVar[Grants] = FINANCE


class InvariantsView(View):
    """
    Attributes:
        violations: One sentence each; empty when all hold.
        red_letters_awaited: What of the books no red letter says yet, one sentence for a refund, the oldest first.
    """

    transactions: int
    checked: tuple[str, ...]
    violations: tuple[str, ...]
    red_letters_awaited: tuple[str, ...] = ()


class LedgerPosted(Event):
    """A transaction stands in the ledger. The sum of all of these is the ledger."""

    wire_name: ClassVar = "ledger.posted.v1"
    source: ClassVar = "billing"
    stream_of: ClassVar = ("ledger", "stream_id")

    stream_id: str
    """The order, or `general`: entries of one order stay in order."""
    transaction: LedgerTransaction


class LedgerSealed(Event):
    """
    A block of the ledger's hash chain: *hash* covers all transactions up to number *last_seq* with their entries.

    Whoever keeps these can prove later that nothing was changed, added in between or cut off.
    """

    wire_name: ClassVar = "ledger.sealed.v1"
    source: ClassVar = "billing"
    stream_of: ClassVar = ("ledger", "stream_id")

    stream_id: Literal["chain"] = "chain"
    block: Annotated[int, Field(gt=0)]
    transactions: int
    last_seq: int
    hash: Sha256
    sealed_at: Instant
