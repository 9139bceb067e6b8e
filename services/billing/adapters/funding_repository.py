"""Funding: rows ⇄ aggregates."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from services.billing.adapters.funding_table import funding as table
from services.billing.domain.funding import Funding
from services.shared.chassis.database import save_versioned
from services.shared.kernel.errors import NotFound


def funding_of(row: Any) -> Funding:
    return Funding(**row._mapping)


class SqlFundings:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, funding: Funding) -> None:
        self.connection.execute(insert(table).values(vars(funding)))

    def order_of(self, funding_id: UUID) -> UUID:
        found = self.connection.execute(
            select(table.c.order_id).where(table.c.funding_id == funding_id)
        ).scalar_one_or_none()
        if found is None:
            raise NotFound
        return UUID(str(found))

    def get(self, funding_id: UUID) -> Funding:
        row = self.connection.execute(
            select(table).where(table.c.funding_id == funding_id).with_for_update()
        ).one_or_none()
        if row is None:
            raise NotFound
        return funding_of(row)

    def of_order(self, order_id: UUID) -> Sequence[Funding]:
        rows = self.connection.execute(
            select(table).where(table.c.order_id == order_id).order_by(table.c.n).with_for_update()
        )
        return [funding_of(row) for row in rows]

    def save(self, funding: Funding) -> None:
        save_versioned(self.connection, table, {"funding_id": funding.funding_id}, vars(funding))
        funding.version += 1
