"""Credit lines, credit and receivables: rows ⇄ aggregates."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from services.billing.adapters import credit_tables as tables
from services.billing.domain.credit import Credit, CreditLine, Exposure
from services.billing.domain.receivable import Receivable
from services.shared.chassis.database import save_versioned
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id

_LINE = TypeAdapter(CreditLine)

# One statement, one snapshot: a credit that falls due beside it is seen as the one or as the other, never as both.
EXPOSURE = """
SELECT coalesce((SELECT sum(c.amount) FROM credit c
                 WHERE c.customer_id = g.customer_id AND c.currency = g.currency AND c.state = 'granted'), 0)
         AS granted,
       coalesce(sum(r.open), 0) AS receivable,
       coalesce(sum(r.open) FILTER (WHERE r.due_on < %(today)s), 0) AS overdue,
       coalesce(sum(r.open) FILTER (WHERE r.due_on <= %(blocking)s), 0) AS blocking
FROM (SELECT %(customer)s::uuid AS customer_id, %(currency)s AS currency) g
LEFT JOIN LATERAL (SELECT due_on, amount - paid - written_off AS open FROM receivable
                   WHERE customer_id = g.customer_id AND currency = g.currency AND state IN ('uninvoiced', 'open')) r
  ON true
GROUP BY g.customer_id, g.currency
"""


def line_of_row(row: Any) -> CreditLine:
    return _LINE.validate_python(dict(row._mapping))


def exposure_of(connection: Connection, customer_id: UUID, currency: str, today: date, block_days: int) -> Exposure:
    row = connection.exec_driver_sql(
        EXPOSURE,
        {"customer": str(customer_id), "currency": currency, "today": today,
         "blocking": today - timedelta(days=block_days)},
    ).one()  # fmt: skip
    return Exposure(*(int(amount) for amount in row))


class SqlCredit:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def line(self, credit_line_id: UUID) -> CreditLine:
        found = self._locked(tables.credit_line.c.credit_line_id == credit_line_id)
        if found is None:
            raise NotFound
        return found

    def line_of(self, customer_id: UUID, currency: str) -> CreditLine | None:
        table = tables.credit_line
        return self._locked(table.c.customer_id == customer_id, table.c.currency == currency)

    def new_line(self, customer_id: UUID, currency: str, now: datetime) -> CreditLine:
        made = CreditLine(derived_id("credit_line", customer_id, currency), customer_id, currency, "proposed", now)
        self.connection.execute(insert(tables.credit_line).values(_line_values(made)).on_conflict_do_nothing())
        return self.line(made.credit_line_id)

    def _locked(self, *conditions: Any) -> CreditLine | None:
        row = self.connection.execute(select(tables.credit_line).where(*conditions).with_for_update()).one_or_none()
        return line_of_row(row) if row is not None else None

    def save_line(self, line: CreditLine) -> None:
        key = {"credit_line_id": line.credit_line_id}
        save_versioned(self.connection, tables.credit_line, key, _line_values(line))
        line.version += 1

    def exposure(self, customer_id: UUID, currency: str, today: date, block_overdue_days: int) -> Exposure:
        return exposure_of(self.connection, customer_id, currency, today, block_overdue_days)

    def add(self, credit: Credit) -> None:
        self.connection.execute(insert(tables.credit).values(vars(credit)))

    def of_order(self, order_id: UUID) -> Credit | None:
        table = tables.credit
        row = self.connection.execute(select(table).where(table.c.order_id == order_id).with_for_update()).one_or_none()
        return Credit(**row._mapping) if row is not None else None

    def save(self, credit: Credit) -> None:
        table = tables.credit
        self.connection.execute(
            table.update().where(table.c.credit_id == credit.credit_id).values(state=credit.state, amount=credit.amount)
        )


class SqlReceivables:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, receivable: Receivable) -> None:
        self.connection.execute(insert(tables.receivable).values(vars(receivable)).on_conflict_do_nothing())

    def find(self, receivable_id: UUID) -> Receivable | None:
        table = tables.receivable
        row = self.connection.execute(
            select(table).where(table.c.receivable_id == receivable_id).with_for_update()
        ).one_or_none()
        return Receivable(**row._mapping) if row is not None else None

    def get(self, receivable_id: UUID) -> Receivable:
        found = self.find(receivable_id)
        if found is None:
            raise NotFound
        return found

    def save(self, receivable: Receivable) -> None:
        key = {"receivable_id": receivable.receivable_id}
        save_versioned(self.connection, tables.receivable, key, vars(receivable))
        receivable.version += 1


def _line_values(line: CreditLine) -> dict[str, Any]:
    return {
        **vars(line),
        "terms": to_jsonable_python(line.terms) if line.terms is not None else None,
        "proposal": to_jsonable_python(line.proposal) if line.proposal is not None else None,
    }
