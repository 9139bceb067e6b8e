"""Orders and what hangs on them: rows ⇄ aggregates. The order's row is the lock of everything that hangs on it."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import Connection, Table, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.orders.adapters import tables
from services.orders.adapters.rows import Rows
from services.orders.domain.analysis import Analysis
from services.orders.domain.contract import Contract
from services.orders.domain.dispute import Dispute
from services.orders.domain.order import Order
from services.orders.domain.report import Report
from services.orders.domain.sample import Sample, to_expect
from services.orders.domain.shipment import Shipment
from services.orders.use_cases.ports import Hanging
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import new_id

T = TypeVar("T")

ORDER = Rows(Order, tables.orders)
CONTRACT = Rows(Contract, tables.contract)
SAMPLE = Rows(Sample, tables.sample)
SHIPMENT = Rows(Shipment, tables.shipment)
ANALYSIS = Rows(Analysis, tables.analysis)
REPORT = Rows(Report, tables.report)
DISPUTE = Rows(Dispute, tables.dispute)

# Everything that placing an order writes, in one round trip. Sample codes follow from the order's number.
PLACE = """
WITH placed AS (
  INSERT INTO orders (order_id, number, parent_id, state, customer_id, provider_id, quotation_id, lines, amounts,
                      payment_method, payment_terms, samples_declared, turnaround_days, notes, placed_at,
                      provider_side, project_funds, collection)
  VALUES (%(order_id)s, next_number('OR', %(placed_at)s), %(parent_id)s, %(state)s, %(customer_id)s, %(provider_id)s,
          %(quotation_id)s, %(lines)s, %(amounts)s, %(payment_method)s, %(payment_terms)s, %(samples_declared)s,
          %(turnaround_days)s, %(notes)s, %(placed_at)s, %(provider_side)s,
          %(project_funds)s, %(collection)s)
  RETURNING order_id, number
), contracts AS (
  INSERT INTO contract (contract_id, number, order_id, state)
  VALUES (%(contract_id)s, next_number('HT', %(placed_at)s), %(order_id)s, 'draft')
), steps AS (
  INSERT INTO order_step (order_id, what, at, by)
  SELECT %(order_id)s, s.what, s.at, s.by FROM jsonb_to_recordset(%(steps)s) AS s(what text, at timestamptz, by text)
), samples AS (
  INSERT INTO sample (sample_id, order_id, position, code, customer_code, description, quantity, hazards, after_test,
                      state)
  SELECT s.sample_id, p.order_id, s.position, 'SP' || substr(p.number, 3) || '-' || to_char(s.position, 'FM000'),
         s.customer_code, s.description, s.quantity, s.hazards, s.after_test, 'expected'
  FROM placed p, jsonb_to_recordset(%(samples)s)
       AS s(sample_id uuid, position int, customer_code text, description text, quantity int, hazards text,
            after_test text)
)
SELECT number FROM placed
"""

SAVE = """
WITH steps AS (
  INSERT INTO order_step (order_id, what, at, by)
  SELECT %(order_id)s, s.what, s.at, s.by FROM jsonb_to_recordset(%(steps)s) AS s(what text, at timestamptz, by text)
)
UPDATE orders SET state = %(state)s, station_id = %(station_id)s, terms = %(terms)s, payments = %(payments)s,
  covers = %(covers)s, shipment_number = %(shipment_number)s, packing_sheet = %(packing_sheet)s,
  contracted_at = %(contracted_at)s, released_at = %(released_at)s,
  delivered_at = %(delivered_at)s, accepted_at = %(accepted_at)s, accept_by = %(accept_by)s,
  closed_at = %(closed_at)s, cancel_reason = %(cancel_reason)s, project_funds = %(project_funds)s
WHERE order_id = %(order_id)s
"""

_HANGING: dict[Hanging, Table] = {
    "contract": tables.contract,
    "sample": tables.sample,
    "analysis": tables.analysis,
    "report": tables.report,
    "dispute": tables.dispute,
}


class SqlOrders:
    """*actor*: who is written into the history beside what they did."""

    def __init__(self, connection: Connection, actor: str) -> None:
        self.connection = connection
        self.actor = actor

    def place(self, order: Order, contract_id: UUID) -> None:
        samples = [
            {"sample_id": new_id(), "position": position, **vars(declared)}
            for position, declared in enumerate(to_expect(order.samples_declared), start=1)
        ]
        order.number = self.connection.exec_driver_sql(
            PLACE, self._parameters(order) | {"contract_id": str(contract_id), "samples": to_json(samples).decode()}
        ).scalar_one()

    def get(self, order_id: UUID) -> Order:
        return self._locked(tables.orders.c.order_id == order_id)

    def of(self, noun: Hanging, thing_id: UUID) -> Order:
        table = _HANGING[noun]
        key = next(iter(table.primary_key))
        return self._locked(
            tables.orders.c.order_id == select(table.c.order_id).where(key == thing_id).scalar_subquery()
        )

    def _locked(self, condition: Any) -> Order:
        row = self.connection.execute(select(tables.orders).where(condition).with_for_update()).one_or_none()
        if row is None:
            raise NotFound
        return ORDER.read(row)

    def save(self, order: Order) -> None:
        self.connection.exec_driver_sql(SAVE, self._parameters(order))
        order.steps.clear()

    def _parameters(self, order: Order) -> dict[str, Any]:
        """As the driver takes them: identifiers and JSON as text."""
        steps = [
            {"what": step.what, "at": step.at.isoformat(), "by": "" if step.by_platform else self.actor}
            for step in order.steps
        ]
        values = {name: _driver(value) for name, value in ORDER.values(order).items()}
        return values | {"steps": json.dumps(steps)}


def _driver(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    return json.dumps(value) if isinstance(value, dict | list) else value


class _OfOrder:
    """What hangs on one order; asked for only while its row is held."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def _all(self, rows: Rows[T], order_id: UUID, *order: str) -> list[T]:
        table = rows.table
        found = self.connection.execute(
            select(table).where(table.c.order_id == order_id).order_by(*(table.c[name] for name in order))
        )
        return [rows.read(row) for row in found]

    def _update(self, rows: Rows[T], thing: T) -> None:
        key = next(iter(rows.table.primary_key))
        values = rows.values(thing)
        self.connection.execute(rows.table.update().where(key == values[key.name]).values(values))

    def _numbered(self, rows: Rows[T], thing: T, prefix: str, at: Any) -> str:
        values = rows.values(thing) | {"number": func.next_number(prefix, at)}
        number: str = self.connection.execute(
            insert(rows.table).values(values).returning(rows.table.c.number)
        ).scalar_one()
        return number


class SqlContracts(_OfOrder):
    def of_order(self, order_id: UUID) -> Contract:
        (found,) = self._all(CONTRACT, order_id)
        return found

    def save(self, contract: Contract) -> None:
        self._update(CONTRACT, contract)


class SqlSamples(_OfOrder):
    def of_order(self, order_id: UUID) -> list[Sample]:
        return self._all(SAMPLE, order_id, "position")

    def save(self, samples: Sequence[Sample]) -> None:
        for sample in samples:
            self._update(SAMPLE, sample)


class SqlShipments(_OfOrder):
    def reserve_number(self, now: datetime) -> str:
        return str(self.connection.execute(select(func.next_number("SH", now))).scalar_one())

    def add(self, shipment: Shipment) -> None:
        if shipment.number:
            self.connection.execute(insert(tables.shipment).values(SHIPMENT.values(shipment)))
        else:
            shipment.number = self._numbered(SHIPMENT, shipment, "SH", shipment.dispatched_at)

    def of_order(self, order_id: UUID) -> list[Shipment]:
        return self._all(SHIPMENT, order_id, "dispatched_at", "shipment_id")

    def save(self, shipment: Shipment) -> None:
        self._update(SHIPMENT, shipment)


class SqlAnalyses(_OfOrder):
    def of_order(self, order_id: UUID) -> list[Analysis]:
        return self._all(ANALYSIS, order_id, "line")

    def save(self, analysis: Analysis) -> None:
        values = ANALYSIS.values(analysis)
        self.connection.execute(
            upsert(tables.analysis)
            .values(values)
            .on_conflict_do_update(index_elements=[tables.analysis.c.analysis_id], set_=values)
        )


class SqlReports(_OfOrder):
    def add(self, report: Report) -> None:
        report.number = self._numbered(REPORT, report, "RP", report.drafted_at)

    def of_order(self, order_id: UUID) -> list[Report]:
        return self._all(REPORT, order_id, "drafted_at", "report_id")

    def save(self, report: Report) -> None:
        self._update(REPORT, report)


class SqlDisputes(_OfOrder):
    def add(self, dispute: Dispute) -> None:
        dispute.number = self._numbered(DISPUTE, dispute, "DP", dispute.opened_at)

    def get(self, dispute_id: UUID) -> Dispute:
        table = tables.dispute
        row = self.connection.execute(select(table).where(table.c.dispute_id == dispute_id)).one_or_none()
        if row is None:
            raise NotFound
        return DISPUTE.read(row)

    def open_of(self, order_id: UUID) -> Dispute | None:
        return next((each for each in self._all(DISPUTE, order_id) if each.closed_at is None), None)

    def save(self, dispute: Dispute) -> None:
        self._update(DISPUTE, dispute)
