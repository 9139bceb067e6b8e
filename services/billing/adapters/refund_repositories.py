"""Rows ⇄ refunds."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select, text
from sqlalchemy.dialects.postgresql import insert

from services.billing.adapters import tables
from services.billing.domain.commission import Split
from services.billing.domain.refund import Refund
from services.billing.domain.refund_part import RefundPart
from services.shared.chassis.database import save_versioned
from services.shared.kernel.errors import NotFound


class SqlRefunds:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, refund: Refund) -> bool:
        table = tables.refund
        earlier = select(func.coalesce(func.max(table.c.n), 0) + 1).where(table.c.order_id == refund.order_id)
        values = _row(refund) | {
            "number": text("next_number('RF', :at)").bindparams(at=refund.requested_at),
            "n": earlier.scalar_subquery(),
        }
        row = self.connection.execute(
            insert(table)
            .values(values)
            .on_conflict_do_nothing(index_elements=["refund_id"])
            .returning(table.c.number, table.c.n)
        ).one_or_none()
        if row is None:
            return False
        refund.number, refund.n = row
        return True

    def get(self, refund_id: UUID) -> Refund:
        table = tables.refund
        row = self.connection.execute(
            select(table).where(table.c.refund_id == refund_id).with_for_update()
        ).one_or_none()
        if row is None:
            raise NotFound
        return refund_of(row)

    def of_order(self, order_id: UUID) -> Sequence[Refund]:
        table = tables.refund
        rows = self.connection.execute(
            select(table).where(table.c.order_id == order_id).order_by(table.c.refund_id).with_for_update()
        )
        return [refund_of(row) for row in rows]

    def find_all(self, refund_ids: Collection[UUID]) -> Mapping[UUID, Refund]:
        table = tables.refund
        rows = self.connection.execute(
            select(table).where(table.c.refund_id.in_(list(refund_ids))).order_by(table.c.refund_id).with_for_update()
        )
        return {row.refund_id: refund_of(row) for row in rows}

    def by_numbers(self, numbers: Iterable[str]) -> Mapping[str, Refund]:
        table = tables.refund
        rows = self.connection.execute(
            select(table).where(table.c.number.in_(list(numbers))).order_by(table.c.refund_id).with_for_update()
        )
        return {row.number: refund_of(row) for row in rows}

    def save(self, refund: Refund) -> None:
        save_versioned(self.connection, tables.refund, {"refund_id": refund.refund_id}, _row(refund))
        refund.version += 1  # one transaction may pay it and take what follows


def refund_of(row: Row[Any]) -> Refund:
    fields = dict(row._mapping)
    fields["parts"] = tuple(RefundPart(**{**part, "payment_id": UUID(part["payment_id"])}) for part in fields["parts"])
    fields["takes"] = Split(**fields["takes"]) if fields["takes"] else None
    return Refund(**fields)


def _row(refund: Refund) -> dict[str, Any]:
    return {
        **vars(refund),
        "parts": [{**asdict(part), "payment_id": str(part.payment_id)} for part in refund.parts],
        "takes": asdict(refund.takes) if refund.takes else None,
    }
