"""Runs of reconciliation, what others told us, and the comparison in SQL."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

from psycopg2.extras import Json, execute_values
from pydantic import TypeAdapter
from sqlalchemy import BigInteger, Column, Connection, Date, Row, Table, Text, Uuid, select, text
from sqlalchemy.dialects.postgresql import JSONB, insert

from services.billing.adapters import reconciliation_sql as sql
from services.billing.adapters.tables import instant, metadata
from services.billing.domain.programme_statement import ProgrammeStatement
from services.billing.domain.reconciliation import (
    Balance,
    ChannelBill,
    Found,
    ItemState,
    ListedMovement,
    OpenItem,
    Overdue,
    Run,
    Source,
    StatedBalance,
)
from services.shared.chassis import metrics
from services.shared.chassis.database import driver
from services.shared.kernel.errors import NotFound

reconciliation_run = Table(
    "reconciliation_run",
    metadata,
    Column("run_id", Uuid, primary_key=True),
    Column("source", Text),
    Column("day", Date),
    instant("until"),
    Column("state", Text),
    Column("asked_by", Text),
    instant("started_at"),
    instant("finished_at"),
    Column("matched", BigInteger),
    Column("ours_only", BigInteger),
    Column("theirs_only", BigInteger),
    Column("amount_differs", BigInteger),
    Column("overdue", BigInteger),
    Column("balances", JSONB),
    Column("failure", Text),
)

_BALANCES = TypeAdapter(tuple[Balance, ...])
_FOUND = ("matched", "ours_only", "theirs_only", "amount_differs", "overdue")
_FACTS: Mapping[Source, str] = {"stripe": sql.STRIPE, "bank": sql.BANK, "vouchers": sql.VOUCHERS,
                                  "channel": sql.CHANNEL}  # fmt: skip

_KEEP = """
INSERT INTO stripe_movement AS m
  (movement_id, kind, amount, fee, fee_vat, currency, origin, ours, created_at) VALUES %s
ON CONFLICT (movement_id) DO UPDATE SET
  kind = excluded.kind, amount = excluded.amount, fee = excluded.fee, fee_vat = excluded.fee_vat,
  currency = excluded.currency, origin = excluded.origin, ours = excluded.ours, created_at = excluded.created_at
WHERE (m.kind, m.amount, m.fee, m.fee_vat, m.currency, m.origin, m.ours, m.created_at) IS DISTINCT FROM
  (excluded.kind, excluded.amount, excluded.fee, excluded.fee_vat, excluded.currency, excluded.origin, excluded.ours,
   excluded.created_at)
"""
_KEEP_STATED = """
INSERT INTO bank_balance (bank_file_id, account, currency, day, opening, closing, stated_at) VALUES %s
ON CONFLICT DO NOTHING
"""
# Who has the bill's row may replace what it lists.
_KEEP_BILL = """
INSERT INTO channel_bill (day, currency, opening, closing, listed_at) VALUES %s
ON CONFLICT (day, currency) DO UPDATE SET
  opening = excluded.opening, closing = excluded.closing, listed_at = excluded.listed_at
"""
_KEEP_BILLED = """
INSERT INTO channel_movement (kind, number, currency, day, balance, held, at) VALUES %s
ON CONFLICT (kind, number, currency) DO UPDATE SET
  day = excluded.day, balance = excluded.balance, held = excluded.held, at = excluded.at
"""
_KEEP_GRANTS = """
INSERT INTO programme_statement_line (statement_id, order_number, state, amount, currency, decided_on) VALUES %s
"""


class SqlReconciliations:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, run: Run) -> None:
        self.connection.execute(insert(reconciliation_run).values(_values(run)))

    def get(self, run_id: UUID) -> Run:
        row = self.connection.execute(
            select(reconciliation_run).where(reconciliation_run.c.run_id == run_id).with_for_update()
        ).one_or_none()
        if row is None:
            raise NotFound
        return run_of(row)

    def save(self, run: Run) -> None:
        self.connection.execute(
            reconciliation_run.update().where(reconciliation_run.c.run_id == run.run_id).values(_values(run))
        )

    def newest_movement(self) -> datetime | None:
        found: datetime | None = self.connection.execute(
            text("SELECT max(created_at) FROM stripe_movement")
        ).scalar_one()
        return found

    def keep_movements(self, movements: Sequence[ListedMovement]) -> None:
        # In one order for everybody; of one that is listed twice the last one told.
        by_id = {each.movement_id: each for each in movements}
        rows = [tuple(asdict(by_id[movement_id]).values()) for movement_id in sorted(by_id)]
        if rows:
            execute_values(driver(self.connection).cursor(), _KEEP, rows, page_size=1_000)

    def keep_stated(self, bank_file_id: UUID, account: str, balances: Sequence[StatedBalance], now: datetime) -> None:
        rows = [(str(bank_file_id), account, each.currency, each.day, each.opening, each.closing, now)
                for each in balances]  # fmt: skip
        if rows:
            execute_values(driver(self.connection).cursor(), _KEEP_STATED, rows)

    def bills_wanted(self, until: datetime, again_since: datetime | None) -> Sequence[date]:
        found = self.connection.exec_driver_sql(sql.BILLS_WANTED, {"until": until, "again_since": again_since})
        return list(found.scalars())

    def keep_bill(self, bill: ChannelBill, now: datetime) -> None:
        cursor = driver(self.connection).cursor()
        stated = sorted((bill.day, each.currency, each.opening, each.closing, now) for each in bill.balances)
        # Of a line that is listed twice the last one.
        by_name = {(each.kind, each.number, each.currency): each for each in bill.movements}
        rows = [(*name, bill.day, each.balance, each.held, each.at) for name, each in sorted(by_name.items())]
        if stated:
            execute_values(cursor, _KEEP_BILL, stated)
        cursor.execute("DELETE FROM channel_movement WHERE day = %s", (bill.day,))
        if rows:
            execute_values(cursor, _KEEP_BILLED, rows, page_size=1_000)

    def keep_statement(self, statement: ProgrammeStatement, by: str, now: datetime) -> bool:
        added = self.connection.execute(
            text(
                "INSERT INTO programme_statement (statement_id, programme_id, until, sha256, imported_at, imported_by)"
                " VALUES (:statement_id, :programme_id, :until, :sha256, :now, :by) ON CONFLICT DO NOTHING"
            ),
            {
                "statement_id": statement.statement_id, "programme_id": statement.programme_id,
                "until": statement.until, "sha256": statement.sha256, "now": now, "by": by,
            },
        )  # fmt: skip
        if added.rowcount == 0:
            return False
        rows = [(str(statement.statement_id), *asdict(line).values()) for line in statement.lines]
        if rows:
            execute_values(driver(self.connection).cursor(), _KEEP_GRANTS, rows, page_size=1_000)
        return True

    def stripe_balances(self, stated: Mapping[str, int]) -> tuple[Balance, ...]:
        return self._balances(sql.STRIPE_BALANCES, {"stated": Json(stated)})

    def bank_balances(self, until: datetime) -> tuple[Balance, ...]:
        return self._balances(sql.BANK_BALANCES, {"until": until})

    def channel_balances(self, until: datetime) -> tuple[Balance, ...]:
        return self._balances(sql.CHANNEL_BALANCES, {"until": until})

    def _balances(self, statement: str, parameters: Mapping[str, Any]) -> tuple[Balance, ...]:
        return tuple(Balance(**row._mapping) for row in self.connection.exec_driver_sql(statement, parameters))

    def compare(self, run: Run, balances: tuple[Balance, ...], now: datetime, overdue_after: timedelta) -> Found:
        # The snapshot is taken after the lock: a comparison sees all that the one before it has written.
        self.connection.execute(text("SELECT pg_advisory_xact_lock(7072, hashtext(:source))"), {"source": run.source})
        known = {
            "run_id": str(run.run_id),
            "source": run.source,
            "day": run.day,
            "until": run.until,
            "now": now,
            "overdue_before": now - overdue_after,
            "balances": json.dumps(
                [
                    {"currency": each.currency, "expected": each.expected, "theirs": each.theirs,
                     "differs_since": each.differs_since.isoformat() if each.differs_since else None}
                    for each in balances
                ]
            ),
        }  # fmt: skip
        compare = sql.COMPARE.replace("{facts}", _FACTS[run.source].strip())
        row = self.connection.exec_driver_sql(compare, known).one()
        self.connection.exec_driver_sql(sql.RESOLVE, known)
        self._show(run.source)
        return Found(**row._mapping)

    def _show(self, source: Source) -> None:
        rows = self.connection.exec_driver_sql(sql.OPEN, {"source": source})
        counts: dict[str, int] = {row[0]: row[1] for row in rows}
        for state in get_args(ItemState):
            metrics.RECONCILIATION_ITEMS.labels(source, state).set(counts.get(state, 0))

    def get_item(self, item_id: UUID) -> OpenItem:
        row = self.connection.exec_driver_sql(sql.ITEM, {"item_id": str(item_id)}).one_or_none()
        if row is None:
            raise NotFound
        return OpenItem(**row._mapping)

    def overdue(self, unfinished_before: datetime, now: datetime) -> Overdue:
        rows = list(self.connection.exec_driver_sql(sql.OVERDUE, {"now": now}))
        unfinished: int = self.connection.execute(
            text("SELECT count(*) FROM reconciliation_run WHERE state = 'running' AND started_at < :before"),
            {"before": unfinished_before},
        ).scalar_one()
        return Overdue(
            items={row.source: row.items for row in rows},
            oldest_days=max((row.age.days for row in rows), default=0),
            unfinished_runs=unfinished,
        )


def _values(run: Run) -> dict[str, object]:
    fields: dict[str, object] = {
        name: value for name, value in vars(run).items() if name in reconciliation_run.c and name != "balances"
    }
    return fields | asdict(run.found) | {"balances": _BALANCES.dump_python(run.balances, mode="json")}


def run_of(row: Row[Any]) -> Run:
    """A row of reconciliation_run."""
    fields = dict(row._mapping)
    found = Found(**{name: fields.pop(name) for name in _FOUND})
    balances = _BALANCES.validate_python(fields.pop("balances"))
    return Run(**fields, found=found, balances=balances)
