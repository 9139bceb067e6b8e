"""Reconciliation: what others say of our money, set beside the ledger, day by day."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Command, Event, Instant, Message, Page, Query, View
from services.shared.messages.billing.commission_plan import FINANCE

ReconciliationSource = Literal["stripe", "bank", "vouchers", "channel"]
RunState = Literal["running", "done", "failed"]
ItemState = Literal["ours_only", "theirs_only", "amount_differs"]
ItemKind = Literal["movement", "balance", "statement", "suspense", "held"]


class ReconciledBalance(Message):
    """
    What stood on the account, minor units of *currency*, debit above zero.

    Attributes:
        theirs: As they state it.
        ours: Of the ledger, with *before*.
        before: What stood there before the first statement that we know, and the ledger has not booked.
        on: The day at whose end it is stated; none: when the run ended.
    """

    currency: str
    theirs: int
    ours: int
    before: int
    on: date | None


class ReconciliationView(View):
    """
    Attributes:
        day: Business day (Asia/Shanghai); all that happened up to its end is compared.
        until: The first instant after it, or when the run began where that is earlier.
        asked_by: Who asked for it, `member/<id>`; `timer` for the daily run.
        matched: How many facts both sides have alike.
        overdue: Items that are older than they may be.
        failure: Why a failed run has no items.
    """

    run_id: UUID
    source: ReconciliationSource
    day: date
    until: Instant
    state: RunState
    asked_by: str
    started_at: Instant
    finished_at: Instant | None
    matched: int
    ours_only: int
    theirs_only: int
    amount_differs: int
    overdue: int
    balances: tuple[ReconciledBalance, ...]
    failure: str


class ReconciliationItem(View):
    """
    Attributes:
        item_id: The same in every run that finds it.
        kind: *movement*: one of money, of vouchers what a programme grants or pays for an order; *balance*: what
            stands on the account; *statement*: a day of which no statement is known; *suspense*: a line of the bank
            that nobody knows the purpose of; *held*: a movement of what the splitting channel holds for orders.
        reference: Theirs, or the business key of our transaction where they have none.
        ours, theirs: Minor units of *currency*, above zero what makes the account more; none: nothing there.
        occurred_at: When it happened, by whoever says so.
        first_seen_at: When a run found it first, since it was last in order.
        age_days: Since it happened, at the end of the run.
        overdue: It is older than it may be.
        detail: What else is known: kind of movement, whose it is.
    """

    item_id: UUID
    kind: ItemKind
    reference: str
    state: ItemState
    currency: str
    ours: int | None
    theirs: int | None
    occurred_at: Instant
    first_seen_at: Instant
    age_days: int
    overdue: bool
    detail: str


class StartReconciliation(Command):
    """
    Compare once more; earlier runs stay. *day*: at the latest today; none: yesterday. *since_ever*: have the
    institution list all it ever booked, not only what is new since the last run. → ReconciliationView
    """

    wire_name: ClassVar = "billing.start_reconciliation"
    grants: ClassVar[Grants] = FINANCE

    source: ReconciliationSource
    day: Annotated[date, Field(ge=date(2000, 1, 1))] | None = None
    since_ever: bool = False


class ListReconciliations(Query):
    """→ ReconciliationPage, newest first"""

    wire_name: ClassVar = "billing.list_reconciliations"
    grants: ClassVar[Grants] = FINANCE

    source: ReconciliationSource | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ReconciliationPage(Page):
    items: tuple[ReconciliationView, ...]


class GetReconciliation(Query):
    """→ ReconciliationView"""

    wire_name: ClassVar = "billing.get_reconciliation"
    grants: ClassVar[Grants] = FINANCE

    run_id: UUID


class ListReconciliationItems(Query):
    """What a run found, oldest first. → ReconciliationItemPage"""

    wire_name: ClassVar = "billing.list_reconciliation_items"
    grants: ClassVar[Grants] = FINANCE

    run_id: UUID
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 50


class ReconciliationItemPage(Page):
    items: tuple[ReconciliationItem, ...]


class ReconciliationOverdue(Event):
    """
    What is not in order for longer than it may be, told once a day.

    Attributes:
        day: Business day on which it is told.
        items: How many there are, of all sources.
        oldest_days: The age of the oldest, in days; 0 where only runs are late.
        unfinished_runs: Runs that began more than a day ago and did not end.
    """

    wire_name: ClassVar = "reconciliation.overdue.v1"
    source: ClassVar = "billing"
    stream_of: ClassVar = ("reconciliation", "day")

    day: date
    stripe_items: int
    bank_items: int
    voucher_items: int
    channel_items: int = 0
    items: int
    oldest_days: int
    unfinished_runs: int
