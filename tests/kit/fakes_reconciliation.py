"""Reconciliation without a database: it finds what a test lays down."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
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
from services.shared.kernel.errors import NotFound


class FakeReconciliations:
    """
    Attributes:
        finds: What the next comparison finds.
        late: What is overdue.
        wanted: Days whose bills are to be had.
    """

    def __init__(self) -> None:
        self.runs: dict[UUID, Run] = {}
        self.movements: dict[str, ListedMovement] = {}
        self.stated: list[StatedBalance] = []
        self.statements: dict[UUID, ProgrammeStatement] = {}
        self.compared: list[tuple[Run, tuple[Balance, ...]]] = []
        self.items: dict[UUID, OpenItem] = {}
        self.finds = Found(0)
        self.wanted: list[date] = []
        self.bills: list[ChannelBill] = []
        self.late = Overdue({}, 0, 0)

    def add(self, run: Run) -> None:
        self.runs[run.run_id] = run

    def get(self, run_id: UUID) -> Run:
        if run_id not in self.runs:
            raise NotFound
        return self.runs[run_id]

    def get_item(self, item_id: UUID) -> OpenItem:
        if item_id not in self.items:
            raise NotFound
        return self.items[item_id]

    def save(self, run: Run) -> None:
        self.runs[run.run_id] = run

    def newest_movement(self) -> datetime | None:
        return max((each.created_at for each in self.movements.values()), default=None)

    def keep_movements(self, movements: Sequence[ListedMovement]) -> None:
        self.movements |= {each.movement_id: each for each in movements}

    def keep_stated(self, bank_file_id: UUID, account: str, balances: Sequence[StatedBalance], now: datetime) -> None:
        del bank_file_id, account, now
        self.stated += balances

    def bills_wanted(self, until: datetime, again_since: datetime | None) -> Sequence[date]:
        del until, again_since
        return self.wanted

    def keep_bill(self, bill: ChannelBill, now: datetime) -> None:
        del now
        self.bills.append(bill)

    def keep_statement(self, statement: ProgrammeStatement, by: str, now: datetime) -> bool:
        del by, now
        known = statement.statement_id in self.statements
        self.statements.setdefault(statement.statement_id, statement)
        return not known

    def stripe_balances(self, stated: Mapping[str, int]) -> tuple[Balance, ...]:
        return tuple(Balance(currency, amount, 0, listed=amount) for currency, amount in stated.items())

    def bank_balances(self, until: datetime) -> tuple[Balance, ...]:
        del until
        return ()

    def channel_balances(self, until: datetime) -> tuple[Balance, ...]:
        del until
        return ()

    def compare(self, run: Run, balances: tuple[Balance, ...], now: datetime, overdue_after: timedelta) -> Found:
        del now, overdue_after
        self.compared.append((replace(run), balances))
        return self.finds

    def overdue(self, unfinished_before: datetime, now: datetime) -> Overdue:
        del unfinished_before, now
        return self.late
