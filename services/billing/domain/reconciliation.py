"""
Reconciliation: what others say of our money, set beside the ledger.

A run compares one source up to the end of a business day. What one side has and the other has not, or has with
another amount, is an item; an item stays until a run finds it in order. Nothing is mended here: a fix is a posting.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from uuid import UUID

from services.shared.kernel.errors import Invalid
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.times import BUSINESS_ZONE, business_date, end_of_business_day

Source = Literal["stripe", "bank", "vouchers", "channel"]
SOURCES: tuple[Source, ...] = ("stripe", "bank", "vouchers", "channel")
RunState = Literal["running", "done", "failed"]
ItemState = Literal["ours_only", "theirs_only", "amount_differs"]

LIFECYCLE: Lifecycle[RunState] = Lifecycle(
    "reconciliation", {"finish": {"running": "done"}, "fail": {"running": "failed"}}
)

LOOK_BACK = timedelta(days=7)
"""How far back the institution and the splitting channel are asked again, for what they changed or told late."""


class DayNotBegun(Invalid):
    """There is nothing yet to compare of this day."""

    code = "billing.reconciliation_day_not_begun"


@dataclass(frozen=True, slots=True)
class ListedMovement:
    """
    A line of the payment institution's own books.

    Attributes:
        amount: Minor units of *currency*, with a sign; *fee*, which contains *fee_vat*, is taken off beside it.
        origin: The charge, refund, transfer, payout or dispute behind it; empty where there is none.
        ours: What we named that thing there: a refund `<refund>/<payment>`, a transfer its payout; may be empty.
        created_at: When it was booked there.
    """

    movement_id: str
    kind: str
    amount: int
    fee: int
    fee_vat: int
    currency: str
    origin: str
    ours: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StatedBalance:
    """What a statement of the bank says stood on an account; minor units of *currency*, below zero where we owe."""

    day: date
    currency: str
    opening: int
    closing: int


@dataclass(frozen=True, slots=True)
class ChannelMovement:
    """
    A line of a bill of the splitting channel.

    Attributes:
        number: Of what moved, ours, or of a withdrawal or fee the channel's; one line for each of a kind.
        balance: By how much our balance there became more, minor units of *currency*.
        held: By how much what the channel holds for orders did.
    """

    kind: str
    number: str
    currency: str
    balance: int
    held: int
    at: datetime


@dataclass(frozen=True, slots=True)
class ChannelBill:
    """What moved at the splitting channel on a business day; *balances*: ours there, of each currency."""

    day: date
    movements: tuple[ChannelMovement, ...]
    balances: tuple[StatedBalance, ...]


@dataclass(frozen=True, slots=True)
class Balance:
    """
    What stood on the account by both sides; see ReconciledBalance.

    Attributes:
        listed: The sum of all that they list, where they list everything: it is what they state, or the list is not
            whole. Then what *ours* lacks is among the movements.
        differs_since: Where what they state differs: when that began.
    """

    currency: str
    theirs: int
    ours: int
    before: int = 0
    on: date | None = None
    listed: int | None = None
    differs_since: datetime | None = None

    @property
    def expected(self) -> int:
        """What they should state."""
        return self.ours if self.listed is None else self.listed


@dataclass(frozen=True, slots=True)
class OpenItem:
    """
    An item as the last run found it that did; minor units of *currency*, above zero what makes the account more.

    Attributes:
        found_at: When that run began.
        open: No run has had it in order since.
    """

    source: Source
    kind: str
    currency: str
    ours: int | None
    theirs: int | None
    found_at: datetime
    open: bool


@dataclass(frozen=True, slots=True)
class Found:
    """How many facts a comparison found alike, of each other state, and older than they may be."""

    matched: int
    ours_only: int = 0
    theirs_only: int = 0
    amount_differs: int = 0
    overdue: int = 0


@dataclass
class Run:
    """
    Attributes:
        day: Business day (Asia/Shanghai).
        until: What happened before it is compared.
        asked_by: `member/<id>` or `timer`.
    """

    run_id: UUID
    source: Source
    day: date
    until: datetime
    asked_by: str
    started_at: datetime
    state: RunState = "running"
    finished_at: datetime | None = None
    found: Found = Found(0)
    balances: tuple[Balance, ...] = ()
    failure: str = ""

    def finish(self, found: Found, balances: tuple[Balance, ...], now: datetime) -> None:
        """Raises WrongState."""
        self.state = LIFECYCLE.after("finish", self.state)
        self.found, self.balances, self.finished_at = found, balances, now

    def fail(self, failure: str, now: datetime) -> None:
        """Raises WrongState."""
        self.state = LIFECYCLE.after("fail", self.state)
        self.failure, self.finished_at = failure, now


@dataclass(frozen=True, slots=True)
class Overdue:
    """What is not in order for longer than it may be. *oldest_days*: 0 where there is no item."""

    items: dict[Source, int]
    oldest_days: int
    unfinished_runs: int

    def __bool__(self) -> bool:
        return any(self.items.values()) or self.unfinished_runs > 0


def compared_until(day: date, now: datetime) -> datetime:
    """
    The end of what a run at *now* compares of *day*.

    Raises:
        DayNotBegun: *day* is still to come.
    """
    if day > business_date(now):
        raise DayNotBegun(day=day.isoformat())
    return min(end_of_business_day(day), now)


def next_daily_run(now: datetime, at: time) -> datetime:
    """The first *at* (Asia/Shanghai) after *now*."""
    today = datetime.combine(business_date(now), at, BUSINESS_ZONE)
    return (today if today > now else today + timedelta(days=1)).astimezone(UTC)
