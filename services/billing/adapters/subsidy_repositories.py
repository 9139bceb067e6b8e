"""Rows ⇄ subsidies and the orders that they count."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python
from sqlalchemy import Connection, delete, insert, select, text
from sqlalchemy.dialects.postgresql import insert as insert_or_leave

from services.billing.adapters import voucher_tables as tables
from services.billing.adapters.voucher_repositories import values_of
from services.billing.domain.claim import Evidence
from services.billing.domain.commission import Left, SplitTerms, split, whole
from services.billing.domain.subsidy import Candidate, SubsidisedOrder, Subsidy, SubsidyExists
from services.shared.chassis.database import save_versioned
from services.shared.kernel.errors import NotFound
from services.shared.kernel.times import end_of_business_day

_SUBSIDY = TypeAdapter(Subsidy)
_ORDER = TypeAdapter(SubsidisedOrder)
_SPLIT_TERMS = TypeAdapter(SplitTerms)

# First locked, then read by a statement of its own: what a refund, or another subsidy, did meanwhile is seen.
LOCK = text("""
SELECT count(*) FROM (
  SELECT FROM contracted_order
  WHERE provider_id = :provider_id AND accepted_at >= :since AND accepted_at < :until
  ORDER BY order_id FOR UPDATE) AS locked
""")
CANDIDATES = text("""
SELECT o.order_id, o.number, o.customer_id, o.accepted_at, o.split_terms, o.remaining, coalesce(p.internal, false)
  AS internal,
  ARRAY(SELECT coalesce(f.instrument_class, '') FROM jsonb_array_elements(p.lines) AS line
        LEFT JOIN offering f ON f.offering_id = (line ->> 'offering_id')::uuid) AS classes,
  EXISTS (SELECT FROM subsidy_order s
          WHERE s.order_id = o.order_id AND s.live AND s.subsidy_id <> :subsidy_id) AS counted
FROM contracted_order o LEFT JOIN placed_order p USING (order_id)
WHERE o.provider_id = :provider_id AND o.currency = :currency AND o.accepted_at >= :since AND o.accepted_at < :until
ORDER BY o.accepted_at, o.order_id
""")
PAPERS = text("""
SELECT e.* FROM order_evidence e JOIN contracted_order o USING (order_id)
WHERE o.provider_id = :provider_id AND o.accepted_at >= :since AND o.accepted_at < :until
ORDER BY e.order_id, e.at, e.kind, e.reference
""")


class SqlSubsidies:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def lock_orders(self, subsidy: Subsidy) -> None:
        self.connection.execute(LOCK, _asked(subsidy))

    def claimed(self, subsidy: Subsidy) -> bool:
        table = tables.subsidy
        found = select(table.c.subsidy_id).where(
            table.c.programme_id == subsidy.programme_id, table.c.provider_id == subsidy.provider_id,
            table.c.first_on == subsidy.first_on, table.c.state != "rejected",
        )  # fmt: skip
        return self.connection.execute(found).first() is not None

    def candidates(self, subsidy: Subsidy) -> Sequence[Candidate]:
        asked = _asked(subsidy)
        papers: dict[UUID, list[Evidence]] = {}
        for row in self.connection.execute(PAPERS, asked):
            found = Evidence(row.kind, row.reference, row.number, row.sha256, row.at)
            papers.setdefault(row.order_id, []).append(found)
        return [_candidate(row, papers.get(row.order_id, [])) for row in self.connection.execute(CANDIDATES, asked)]

    def add(self, subsidy: Subsidy, orders: Sequence[SubsidisedOrder]) -> None:
        number = text("next_number('SB', :at)").bindparams(at=subsidy.submitted_at)
        added = self.connection.execute(
            insert_or_leave(tables.subsidy)
            .values(values_of(subsidy, tables.subsidy) | {"number": number})
            .on_conflict_do_nothing()
            .returning(tables.subsidy.c.number)
        ).scalar_one_or_none()
        if added is None:
            raise SubsidyExists
        subsidy.number = added
        self.put_orders(subsidy, orders)

    def put_orders(self, subsidy: Subsidy, orders: Sequence[SubsidisedOrder]) -> None:
        table = tables.subsidy_order
        self.connection.execute(delete(table).where(table.c.subsidy_id == subsidy.subsidy_id))
        rows = [_row(subsidy.subsidy_id, each) | {"live": True} for each in orders]
        self.connection.execute(insert(table), rows)

    def put_order(self, subsidy_id: UUID, order: SubsidisedOrder) -> None:
        table = tables.subsidy_order
        self.connection.execute(
            table.update()
            .where(table.c.subsidy_id == subsidy_id, table.c.order_id == order.order_id)
            .values(net=order.net, gross=order.gross)
        )

    def free_orders(self, subsidy_id: UUID) -> None:
        table = tables.subsidy_order
        self.connection.execute(table.update().where(table.c.subsidy_id == subsidy_id).values(live=False))

    def orders_of(self, subsidy_id: UUID) -> Sequence[SubsidisedOrder]:
        table = tables.subsidy_order
        rows = self.connection.execute(
            select(table).where(table.c.subsidy_id == subsidy_id).order_by(table.c.accepted_at, table.c.order_id)
        )
        return [_ORDER.validate_python(dict(row._mapping)) for row in rows]

    def find(self, subsidy_id: UUID) -> Subsidy | None:
        table = tables.subsidy
        row = self.connection.execute(select(table).where(table.c.subsidy_id == subsidy_id)).one_or_none()
        return subsidy_of(row) if row is not None else None

    def get(self, subsidy_id: UUID) -> Subsidy:
        table = tables.subsidy
        row = self.connection.execute(
            select(table).where(table.c.subsidy_id == subsidy_id).with_for_update()
        ).one_or_none()
        if row is None:
            raise NotFound
        return subsidy_of(row)

    def counting(self, order_id: UUID) -> Subsidy | None:
        table = tables.subsidy_order
        found = self.connection.execute(
            select(table.c.subsidy_id).where(table.c.order_id == order_id, table.c.live)
        ).scalar_one_or_none()
        if found is None:
            return None
        subsidy = self.get(found)
        # It may have been rejected while we waited for it.
        return subsidy if subsidy.state != "rejected" else None

    def save(self, subsidy: Subsidy) -> None:
        key = {"subsidy_id": subsidy.subsidy_id}
        save_versioned(self.connection, tables.subsidy, key, values_of(subsidy, tables.subsidy))
        subsidy.version += 1


def subsidy_of(row: Any) -> Subsidy:
    return _SUBSIDY.validate_python({name: value for name, value in row._mapping.items() if name in tables.subsidy.c})


def _asked(subsidy: Subsidy) -> Mapping[str, Any]:
    return {
        "subsidy_id": subsidy.subsidy_id, "provider_id": subsidy.provider_id, "currency": subsidy.currency,
        "since": _begins(subsidy.first_on), "until": end_of_business_day(subsidy.last_on),
    }  # fmt: skip


def _begins(day: date) -> datetime:
    return end_of_business_day(day - timedelta(days=1))


def _candidate(row: Any, papers: Sequence[Evidence]) -> Candidate:
    terms = _SPLIT_TERMS.validate_python(row.split_terms)
    remains = split(terms, Left(**row.remaining) if row.remaining else whole(terms))
    accepted = Evidence("acceptance", row.order_id, row.number, "", row.accepted_at)
    return Candidate(
        row.order_id, row.number, row.customer_id, row.accepted_at, remains.net, remains.gross, tuple(row.classes),
        row.internal, row.counted, (*papers, accepted),
    )  # fmt: skip


def _row(subsidy_id: UUID, order: SubsidisedOrder) -> dict[str, Any]:
    return {**asdict(order), "subsidy_id": subsidy_id, "evidence": to_jsonable_python(order.evidence)}
