"""Rows ⇄ adjustments."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select, text
from sqlalchemy.dialects.postgresql import insert

from services.billing.adapters import tables
from services.billing.domain.adjustment import Adjustment
from services.billing.domain.ledger import Entry
from services.shared.chassis.database import save_versioned
from services.shared.kernel.errors import NotFound


class SqlAdjustments:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, adjustment: Adjustment) -> None:
        values = asdict(adjustment) | {"number": text("next_number('AJ', :at)").bindparams(at=adjustment.proposed_at)}
        adjustment.number = self.connection.execute(
            insert(tables.adjustment).values(values).returning(tables.adjustment.c.number)
        ).scalar_one()

    def get(self, adjustment_id: UUID) -> Adjustment:
        table = tables.adjustment
        row = self.connection.execute(
            select(table).where(table.c.adjustment_id == adjustment_id).with_for_update()
        ).one_or_none()
        if row is None:
            raise NotFound
        return adjustment_of(row)

    def books_item(self, item_id: UUID, since: datetime, but: UUID | None = None) -> bool:
        table = tables.adjustment
        found = self.connection.execute(
            select(table.c.adjustment_id).where(
                table.c.item_id == item_id,
                table.c.adjustment_id != (but or UUID(int=0)),
                (table.c.state == "proposed") | ((table.c.state == "approved") & (table.c.decided_at >= since)),
            )
        )
        return found.first() is not None

    def save(self, adjustment: Adjustment) -> None:
        values = {name: value for name, value in vars(adjustment).items() if name != "entries"}
        save_versioned(self.connection, tables.adjustment, {"adjustment_id": adjustment.adjustment_id}, values)


def adjustment_of(row: Row[Any]) -> Adjustment:
    fields = dict(row._mapping)
    return Adjustment(**fields | {"entries": tuple(Entry(**entry) for entry in fields["entries"])})
