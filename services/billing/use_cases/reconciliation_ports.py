"""What use cases need of reconciliation: runs, what others told us, and the comparison."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol
from uuid import UUID

from services.billing.domain.programme_statement import ProgrammeStatement
from services.billing.domain.reconciliation import (
    Balance,
    ChannelBill,
    Found,
    ListedMovement,
    OpenItem,
    Overdue,
    Run,
    StatedBalance,
)


class Reconciliations(Protocol):
    def add(self, run: Run) -> None: ...

    def get(self, run_id: UUID) -> Run:
        """Locked. Raises NotFound."""

    def save(self, run: Run) -> None: ...

    def newest_movement(self) -> datetime | None:
        """When the newest movement of the institution that we know was booked there."""

    def keep_movements(self, movements: Sequence[ListedMovement]) -> None:
        """In place of what is known of the same ones."""

    def keep_stated(self, bank_file_id: UUID, account: str, balances: Sequence[StatedBalance], now: datetime) -> None:
        """What a file of the bank states."""

    def bills_wanted(self, until: datetime, again_since: datetime | None) -> Sequence[date]:
        """
        Days over before *until* whose bill of the splitting channel is to be had, since it had an order of ours: those
        that we do not know, and again those after *again_since*; none: all.
        """

    def keep_bill(self, bill: ChannelBill, now: datetime) -> None:
        """In place of what is known of its day."""

    def keep_statement(self, statement: ProgrammeStatement, by: str, now: datetime) -> bool:
        """Store a programme's statement. Returns False when it was there already."""

    def stripe_balances(self, stated: Mapping[str, int]) -> tuple[Balance, ...]:
        """*stated* by the institution, beside the sum of all its movements that we know and beside the ledger."""

    def bank_balances(self, until: datetime) -> tuple[Balance, ...]:
        """The newest stated before *until* of each currency, beside the ledger at the end of that day."""

    def channel_balances(self, until: datetime) -> tuple[Balance, ...]:
        """The newest that a bill of a day before *until* states of each currency, beside all that bills list."""

    def compare(self, run: Run, balances: tuple[Balance, ...], now: datetime, overdue_after: timedelta) -> Found:
        """
        Set both sides beside each other and keep what differs, with when it was first seen; what was open and is
        in order now is resolved. One comparison of a source at a time.
        """

    def overdue(self, unfinished_before: datetime, now: datetime) -> Overdue:
        """What is open and overdue; runs that began before *unfinished_before* and run still."""

    def get_item(self, item_id: UUID) -> OpenItem:
        """Locked. Raises NotFound."""
