"""Closed months, and what stood on the accounts at the end of each."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, text

from services.billing.adapters.ledger_sums import ALWAYS, OF_ACCOUNT, OPEN
from services.billing.adapters.period_items import OPEN_ITEMS
from services.billing.domain.period import ClosedPeriod, Period

BOOKS_LOCK = 7_460_001
"""Every posting shares it to its end (`post_ledger`); who closes a month has it alone."""

OPEN_ITEMS_TOLD_MAX = 20


class SqlPeriods:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def hold_books(self) -> None:
        self.connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (BOOKS_LOCK,))

    def keep_open(self) -> None:
        self.connection.exec_driver_sql("SELECT pg_advisory_xact_lock_shared(%s)", (BOOKS_LOCK,))

    def last_until(self) -> datetime | None:
        found: datetime | None = self.connection.exec_driver_sql("SELECT max(until) FROM ledger_period").scalar_one()
        return found

    def open_items(self, until: datetime) -> Sequence[str]:
        found: list[str] = []
        for statement in OPEN_ITEMS.values():
            found += self.connection.exec_driver_sql(statement, {"until": until}).scalars()
        return found[:OPEN_ITEMS_TOLD_MAX]

    def vat_currencies(self) -> Sequence[str]:
        return list(
            self.connection.exec_driver_sql(
                "SELECT DISTINCT currency FROM account WHERE account IN ('L:vat:output', 'A:vat:input')"
                " ORDER BY currency"
            ).scalars()
        )

    def stands(self, account: str, currency: str, until: datetime) -> int:
        row = self.connection.execute(
            OF_ACCOUNT,
            {"account": account, "currency": currency, "since": until, **self._times(until)},
        ).one()
        return int(row.closing)

    def close(self, period: Period, closed_by: str, now: datetime) -> ClosedPeriod:
        rows = self.connection.execute(text(f"{OPEN} ORDER BY account, currency"), self._times(period.until)).all()
        lines = "\n".join(f"{row.account}/{row.currency}/{row.stands}" for row in rows)
        block = self.connection.exec_driver_sql("SELECT max(number) FROM ledger_block").scalar_one()
        closed = ClosedPeriod(period.name, period.until, now, closed_by, sha256(lines.encode()).hexdigest(), block)
        self.connection.exec_driver_sql(
            "INSERT INTO ledger_period (period, until, closed_at, closed_by, trial_balance_sha256, block)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            (closed.name, closed.until, closed.closed_at, closed.closed_by, closed.trial_balance_sha256, closed.block),
        )
        self.connection.exec_driver_sql(
            "INSERT INTO ledger_period_balance (until, account, currency, stands)"
            " SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::bigint[])",
            (period.until, [row.account for row in rows], [row.currency for row in rows], [row.stands for row in rows]),
        )
        self.connection.exec_driver_sql("UPDATE ledger_closed SET until = %s", (period.until,))
        return closed

    def _times(self, until: datetime) -> dict[str, Any]:
        # While the books are held nobody posts: what is known is all there is.
        return {"base": self.last_until() or ALWAYS, "until": until, "known_at": "infinity"}
