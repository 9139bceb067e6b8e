"""Periods: business months (Asia/Shanghai) whose books are closed, one after the other, for good."""

from typing import Annotated, ClassVar

from pydantic import StringConstraints

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Command, Event, Instant, Page, Query, Sha256, View
from services.shared.messages.billing.commission_plan import FINANCE

PeriodName = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]


class PeriodView(View):
    """
    Attributes:
        until: The first instant after it.
        trial_balance_sha256: Over a line `account/currency/debit less credit` for each account that was not even, by
            name, with a line feed between two.
        block: The last block of the ledger's hash chain then.
    """

    period: str
    until: Instant
    closed_at: Instant
    closed_by: str
    trial_balance_sha256: str
    block: int | None


class ClosePeriod(Command):
    """
    Refused while the month is not over, an earlier one is open, an invariant does not hold, or something of it is not
    decided. What becomes known later is booked in the next month and keeps its business date. → PeriodView
    """

    wire_name: ClassVar = "billing.close_period"
    grants: ClassVar[Grants] = FINANCE

    period: PeriodName


class ListPeriods(Query):
    """Those that are closed. → PeriodPage, newest first"""

    wire_name: ClassVar = "billing.list_periods"
    grants: ClassVar[Grants] = FINANCE


class PeriodPage(Page):
    items: tuple[PeriodView, ...]


class PeriodClosed(Event):
    """The books of a month are closed: nothing that is posted from now on counts in it."""

    wire_name: ClassVar = "period.closed.v1"
    source: ClassVar = "billing"
    stream_of: ClassVar = ("period", "period")

    period: PeriodName
    until: Instant
    closed_at: Instant
    trial_balance_sha256: Sha256
    block: int | None
