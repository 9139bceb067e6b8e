"""Rows ⇄ orders, splits and returns at the splitting channel."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, Table, select
from sqlalchemy.dialects.postgresql import insert

from services.billing.adapters import channel_tables
from services.billing.domain.channel_order import ChannelOrder
from services.billing.domain.direct_payment import DirectMovement
from services.billing.domain.split_order import SplitOrder, SplitReturn
from services.shared.chassis.database import save_versioned


def _add(connection: Connection, table: Table, values: dict[str, Any]) -> bool:
    return connection.execute(insert(table).values(values).on_conflict_do_nothing()).rowcount == 1


class SqlDirectMovements:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, movement: DirectMovement) -> bool:
        return _add(self.connection, channel_tables.direct_movement, vars(movement))


class SqlChannelOrders:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, made: ChannelOrder) -> bool:
        return _add(self.connection, channel_tables.channel_order, vars(made))

    def find(self, payment_id: UUID) -> ChannelOrder | None:
        table = channel_tables.channel_order
        return self._one(select(table).where(table.c.payment_id == payment_id))

    def of_order(self, order_id: UUID) -> ChannelOrder | None:
        table = channel_tables.channel_order
        return self._one(select(table).where(table.c.order_id == order_id))

    def _one(self, statement: Select[tuple[object, ...]]) -> ChannelOrder | None:
        row = self.connection.execute(statement.with_for_update()).one_or_none()
        return ChannelOrder(**row._mapping) if row is not None else None

    def save(self, made: ChannelOrder) -> None:
        save_versioned(self.connection, channel_tables.channel_order, {"payment_id": made.payment_id}, vars(made))
        made.version += 1


class SqlSplitOrders:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, made: SplitOrder) -> bool:
        return _add(self.connection, channel_tables.split_order, vars(made))

    def find(self, order_id: UUID) -> SplitOrder | None:
        table = channel_tables.split_order
        row = self.connection.execute(select(table).where(table.c.order_id == order_id).with_for_update()).one_or_none()
        return SplitOrder(**row._mapping) if row is not None else None

    def save(self, made: SplitOrder) -> None:
        save_versioned(self.connection, channel_tables.split_order, {"order_id": made.order_id}, vars(made))
        made.version += 1

    def add_return(self, made: SplitReturn) -> bool:
        return _add(self.connection, channel_tables.split_return, vars(made))

    def order_of_return(self, refund_id: UUID) -> UUID | None:
        table = channel_tables.split_return
        return self.connection.execute(
            select(table.c.order_id).where(table.c.refund_id == refund_id)
        ).scalar_one_or_none()

    def find_return(self, refund_id: UUID) -> SplitReturn | None:
        table = channel_tables.split_return
        row = self.connection.execute(
            select(table).where(table.c.refund_id == refund_id).with_for_update()
        ).one_or_none()
        return SplitReturn(**row._mapping) if row is not None else None

    def returns_of(self, order_id: UUID) -> Sequence[SplitReturn]:
        table = channel_tables.split_return
        rows = self.connection.execute(
            select(table).where(table.c.order_id == order_id).order_by(table.c.refund_id).with_for_update()
        )
        return [SplitReturn(**row._mapping) for row in rows]

    def save_return(self, made: SplitReturn) -> None:
        save_versioned(self.connection, channel_tables.split_return, {"refund_id": made.refund_id}, vars(made))
        made.version += 1
