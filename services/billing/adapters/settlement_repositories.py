"""Rows ⇄ settlements and payouts. Closing is one statement, however many orders there are."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy import Connection, Row, delete, select, text
from sqlalchemy.dialects.postgresql import insert

from services.billing.adapters import tables
from services.billing.domain.clawback import Clawback, Kept
from services.billing.domain.order import Accrual
from services.billing.domain.settlement import Settlement
from services.shared.chassis.database import save_versioned
from services.shared.kernel.errors import NotFound

ORDERS_PER_STATEMENT_MAX = 2_000
"""More would be a paper that nobody checks."""

LOCK_DUE = text("""
SELECT count(*) FROM (
  SELECT FROM accrual WHERE settlement_id IS NULL AND accepted_at < :before ORDER BY accrual_id FOR UPDATE) AS locked
""")
CLOSE = text("""
WITH due AS (
  -- For the fee of what was cancelled no invoice is sent: it stands on a statement of its own.
  SELECT a.*, kind <> 'cancellation_fee' AS invoice_awaited
  FROM accrual a WHERE settlement_id IS NULL AND accepted_at < :before
    AND NOT EXISTS (SELECT FROM order_hold h WHERE h.order_id = a.order_id)
  FOR UPDATE
), parted AS (
  -- By order: its acceptance and its corrections stand on one statement.
  SELECT due.*, (dense_rank() OVER (PARTITION BY party_kind, party_id, currency, tax_rate_bps, special_invoice,
                                    invoice_awaited ORDER BY accepted_at, order_id) - 1) / :orders_max AS part
  FROM due
), grouped AS (
  SELECT gen_random_uuid() AS settlement_id, next_number('ST', :now) AS number, g.*
  FROM (
    SELECT party_kind, party_id, currency, tax_rate_bps, special_invoice, invoice_awaited, part,
           sum(net) AS net, sum(tax) AS tax, max(payable_from) AS payable_from,
           count(DISTINCT order_id) AS order_count
    FROM parted
    GROUP BY party_kind, party_id, currency, tax_rate_bps, special_invoice, invoice_awaited, part
    -- All taken back again, or nothing earned: there is nothing to invoice, and it is paid.
    HAVING sum(net) > 0 OR (sum(net) = 0 AND sum(tax) = 0)
    ORDER BY party_kind, party_id, currency, tax_rate_bps, special_invoice, invoice_awaited DESC, part
  ) AS g
), stated AS (
  INSERT INTO settlement (settlement_id, number, state, party_kind, party_id, party_name, until, currency, net, tax,
                          tax_rate_bps, special_invoice, invoice_awaited, order_count, payable_from, closed_at)
  SELECT g.settlement_id, g.number, CASE WHEN g.net > 0 THEN 'closed' ELSE 'paid' END, g.party_kind, g.party_id,
         coalesce(o.legal_name, ''), :until, g.currency, g.net, g.tax, g.tax_rate_bps, g.special_invoice,
         g.invoice_awaited AND g.net > 0, g.order_count, g.payable_from, :now
  FROM grouped g LEFT JOIN organisation o ON o.organisation_id = g.party_id
  RETURNING *
), listed AS (
  UPDATE accrual a SET settlement_id = g.settlement_id
  FROM parted p
  JOIN grouped g USING (party_kind, party_id, currency, tax_rate_bps, special_invoice, invoice_awaited, part)
  WHERE a.accrual_id = p.accrual_id
)
SELECT * FROM stated ORDER BY number
""").columns(*tables.settlement.c)

# What the parties owe when these are closed, as far as no statement that awaits its invoice is lower by it already;
# none is lower by more than it says.
CARRY_OVER = text("""
WITH fresh AS (
  SELECT settlement_id, party_kind, party_id, currency, net + tax AS gross,
         coalesce(sum(net + tax) OVER (PARTITION BY party_kind, party_id, currency ORDER BY number
                                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS gross_before
  FROM settlement WHERE settlement_id = ANY(:closed)
), owed AS (
  SELECT party_kind, party_id, currency, sum("left") AS owed FROM clawback
  WHERE "left" > 0 AND party_id IN (SELECT party_id FROM fresh) GROUP BY 1, 2, 3
), told AS (
  SELECT party_kind, party_id, currency, sum(carried_over) AS carried FROM settlement
  WHERE state IN ('closed', 'awaiting_invoice') AND party_id IN (SELECT party_id FROM fresh)
    AND settlement_id <> ALL(:closed) GROUP BY 1, 2, 3
), carried AS (
  SELECT settlement_id, least(gross, owed - coalesce(carried, 0) - gross_before)::bigint AS amount
  FROM fresh JOIN owed USING (party_kind, party_id, currency) LEFT JOIN told USING (party_kind, party_id, currency)
)
UPDATE settlement s SET carried_over = c.amount FROM carried c
WHERE s.settlement_id = c.settlement_id AND c.amount > 0
RETURNING s.settlement_id, s.carried_over
""")

# What providers sold themselves is told on their statements: the customer paid them and not us. It stands beside what
# is owed to them; where nothing is, on a statement without money, which is paid from the beginning.
STATE_SALES = text("""
WITH sold AS (
  SELECT o.order_id, o.provider_id, o.currency, (row_number() OVER (
           PARTITION BY o.provider_id, o.currency ORDER BY o.accepted_at, o.order_id) - 1) / :orders_max AS part
  FROM contracted_order o
  WHERE o.split_terms ->> 'commission_rate_bps' IS NOT NULL AND o.accepted_at < :before
    AND NOT EXISTS (SELECT FROM stated_sale s WHERE s.order_id = o.order_id)
), beside AS (
  SELECT DISTINCT ON (party_id, currency) party_id AS provider_id, currency, 0 AS part, settlement_id
  FROM settlement WHERE settlement_id = ANY(:closed) AND party_kind = 'provider' ORDER BY party_id, currency, number
), alone AS (
  SELECT gen_random_uuid() AS settlement_id, next_number('ST', :now) AS number, a.*
  FROM (SELECT provider_id, currency, part, count(*) AS order_count FROM sold
        LEFT JOIN beside USING (provider_id, currency, part) WHERE beside.settlement_id IS NULL
        GROUP BY provider_id, currency, part ORDER BY provider_id, currency, part) AS a
), made AS (
  INSERT INTO settlement (settlement_id, number, state, party_kind, party_id, party_name, until, currency, net, tax,
                          tax_rate_bps, special_invoice, invoice_awaited, order_count, payable_from, closed_at)
  SELECT a.settlement_id, a.number, 'paid', 'provider', a.provider_id, coalesce(o.legal_name, ''), :until, a.currency,
         0, 0, 0, false, false, a.order_count, :now, :now
  FROM alone a LEFT JOIN organisation o ON o.organisation_id = a.provider_id
  RETURNING *
), listed AS (
  INSERT INTO stated_sale (order_id, settlement_id)
  SELECT order_id, coalesce(beside.settlement_id, alone.settlement_id)
  FROM sold LEFT JOIN beside USING (provider_id, currency, part) LEFT JOIN alone USING (provider_id, currency, part)
)
SELECT * FROM made ORDER BY number
""").columns(*tables.settlement.c)

SALES_LOCK = 7_460_004
"""Who closes sees which sales the one before has listed."""

CLOSING_LOCK = 7_460_003
"""Who closes statements shares it to the end; who confirms that a party is a small enterprise has it alone."""

# The last word that is confirmed of a party's size counts on the day of each line.
SET_DUE = text("""
WITH due AS (
  SELECT a.settlement_id, min(d.day) + CAST(:payment_days AS int) AS due_on
  FROM accrual a CROSS JOIN LATERAL (SELECT (a.accepted_at AT TIME ZONE 'Asia/Shanghai')::date AS day) AS d
  WHERE a.settlement_id = ANY(:settlements) AND a.net > 0 AND (
    SELECT e.is_small FROM small_enterprise e
    WHERE e.organisation_id = a.party_id AND e.state = 'confirmed' AND e.since <= d.day
    ORDER BY e.since DESC, e.decided_at DESC LIMIT 1)
  GROUP BY a.settlement_id
)
UPDATE settlement s SET due_on = due.due_on
FROM unnest(CAST(:settlements AS uuid[])) AS named (settlement_id) LEFT JOIN due USING (settlement_id)
WHERE s.settlement_id = named.settlement_id AND s.due_on IS DISTINCT FROM due.due_on
RETURNING s.settlement_id, s.due_on
""")


class SqlSettlements:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def close(self, until: date, before: datetime, now: datetime, payment_days: int) -> Sequence[Settlement]:
        self.connection.exec_driver_sql("SELECT pg_advisory_xact_lock_shared(%s)", (CLOSING_LOCK,))
        # First locked, then read by a statement of its own: a correction that commits meanwhile is seen, and one that
        # comes later sees that its order is stated.
        self.connection.execute(LOCK_DUE, {"before": before})
        rows = self.connection.execute(
            CLOSE, {"until": until, "before": before, "now": now, "orders_max": ORDERS_PER_STATEMENT_MAX}
        )
        closed = [settlement_of(row) for row in rows]
        ids = [settlement.settlement_id for settlement in closed]
        sold = self._state_sales(ids, until, before, now)
        rows = self.connection.execute(CARRY_OVER, {"closed": ids})
        carried: dict[UUID, int] = {row.settlement_id: row.carried_over for row in rows}
        rows = self.connection.execute(SET_DUE, {"settlements": ids, "payment_days": payment_days})
        due: dict[UUID, date] = {row.settlement_id: row.due_on for row in rows}
        return [
            replace(each, carried_over=carried.get(each.settlement_id, 0), due_on=due.get(each.settlement_id))
            for each in closed
        ] + sold

    def _state_sales(self, closed: Sequence[UUID], until: date, before: datetime, now: datetime) -> list[Settlement]:
        """Returns the statements that were made for sales alone."""
        self.connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (SALES_LOCK,))
        facts = {"closed": closed, "until": until, "before": before, "now": now, "orders_max": ORDERS_PER_STATEMENT_MAX}
        return [settlement_of(row) for row in self.connection.execute(STATE_SALES, facts)]

    def set_due(self, party_id: UUID, payment_days: int) -> Mapping[UUID, date]:
        table = tables.settlement
        unpaid = self.connection.execute(
            select(table.c.settlement_id)
            .where(table.c.party_id == party_id, table.c.state != "paid")
            .order_by(table.c.settlement_id)
            .with_for_update()
        ).scalars()
        rows = self.connection.execute(SET_DUE, {"settlements": list(unpaid), "payment_days": payment_days})
        return {row.settlement_id: row.due_on for row in rows if row.due_on is not None}

    def get(self, settlement_id: UUID) -> Settlement:
        table = tables.settlement
        row = self.connection.execute(
            select(table).where(table.c.settlement_id == settlement_id).with_for_update()
        ).one_or_none()
        if row is None:
            raise NotFound
        return settlement_of(row)

    def party_of(self, settlement_id: UUID) -> UUID:
        table = tables.settlement
        found: UUID | None = self.connection.execute(
            select(table.c.party_id).where(table.c.settlement_id == settlement_id)
        ).scalar_one_or_none()
        if found is None:
            raise NotFound
        return found

    def payable_to(self, party_id: UUID, currency: str) -> Sequence[Settlement]:
        table = tables.settlement
        rows = self.connection.execute(
            select(table)
            .where(
                table.c.party_id == party_id, table.c.currency == currency, table.c.state == "payable",
                table.c.payout_id.is_(None),
            )
            .order_by(table.c.closed_at, table.c.settlement_id)
            .with_for_update()
        )  # fmt: skip
        return [settlement_of(row) for row in rows]

    def save(self, settlement: Settlement) -> None:
        values = {**vars(settlement), "kept": to_jsonable_python(settlement.kept)}
        save_versioned(self.connection, tables.settlement, {"settlement_id": settlement.settlement_id}, values)
        settlement.version += 1  # a claw-back may change it a second time in the transaction


class SqlAccruals:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def of_order(self, order_id: UUID) -> Sequence[Accrual]:
        table = tables.accrual
        rows = self.connection.execute(
            select(table).where(table.c.order_id == order_id).order_by(table.c.accrual_id).with_for_update()
        )  # fmt: skip
        return [Accrual(**row._mapping) for row in rows]

    def add(self, accrual: Accrual) -> None:
        self.connection.execute(insert(tables.accrual).values(asdict(accrual)))

    def hold(self, order_id: UUID, reason: str, since: datetime) -> None:
        self.connection.execute(
            insert(tables.order_hold).values(order_id=order_id, reason=reason, since=since).on_conflict_do_nothing()
        )

    def unhold(self, order_id: UUID, reason: str) -> None:
        table = tables.order_hold
        self.connection.execute(delete(table).where(table.c.order_id == order_id, table.c.reason == reason))

    def held_on(self, settlement_id: UUID) -> str | None:
        accrual, hold = tables.accrual, tables.order_hold
        found: str | None = self.connection.execute(
            select(accrual.c.order_number)
            .join(hold, hold.c.order_id == accrual.c.order_id)
            .where(accrual.c.settlement_id == settlement_id)
            .order_by(accrual.c.order_number)
            .limit(1)
        ).scalar_one_or_none()
        return found

    def orders_on(self, settlement_id: UUID) -> Sequence[UUID]:
        table = tables.accrual
        statement = select(table.c.order_id).where(table.c.settlement_id == settlement_id)
        return list(self.connection.execute(statement.distinct().order_by(table.c.order_id)).scalars())


class SqlClawbacks:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, clawback: Clawback) -> None:
        self.connection.execute(insert(tables.clawback).values(vars(clawback)))

    def of_key(self, key: str) -> Clawback | None:
        table = tables.clawback
        row = self.connection.execute(select(table).where(table.c.key == key).with_for_update()).one_or_none()
        return Clawback(**row._mapping) if row is not None else None

    def open_of(self, party_id: UUID, currency: str) -> Sequence[Clawback]:
        table = tables.clawback
        rows = self.connection.execute(
            select(table)
            .where(table.c.party_id == party_id, table.c.currency == currency, table.c.left > 0)
            .order_by(table.c.opened_at, table.c.clawback_id)
            .with_for_update()
        )
        return [Clawback(**row._mapping) for row in rows]

    def of_orders(self, order_numbers: Collection[str]) -> Sequence[Clawback]:
        table = tables.clawback
        rows = self.connection.execute(select(table).where(table.c.order_number.in_(list(order_numbers))))
        return [Clawback(**row._mapping) for row in rows]

    def save(self, clawback: Clawback) -> None:
        table = tables.clawback
        self.connection.execute(
            table.update().where(table.c.clawback_id == clawback.clawback_id).values(left=clawback.left)
        )


def settlement_of(row: Row[Any]) -> Settlement:
    fields = dict(row._mapping)
    kept = tuple(Kept(**{**each, "clawback_id": UUID(each["clawback_id"])}) for each in fields["kept"])
    return Settlement(**{**fields, "kept": kept})
