"""Reads of orders: SQL → view. The permission rule comes before anything is shown."""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.orders.adapters import order_view, tables
from services.orders.adapters.newest import newest, seen_by
from services.orders.adapters.order_rows import ORDER
from services.orders.adapters.unit_of_work import OrdersUnitOfWork
from services.orders.domain.order import Order
from services.orders.use_cases import shapes
from services.shared.kernel.actor import Actor, Relation, require
from services.shared.messages.orders.order import GetOrder, ListOrders, OrderPage, OrderSummary, OrderView


def parties(order: Order) -> dict[Relation, UUID | None]:
    """Who stands in which relation to an order."""
    return {"customer": order.customer_id, "provider": order.provider_id, "station": order.station_id}


def get_order(query: GetOrder, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime) -> OrderView:
    del now
    return order_view.read(
        uow.connection, query.order_id, lambda order: require(actor, query.grants, parties(order))
    )  # fmt: skip


def list_orders(query: ListOrders, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime) -> OrderPage:
    del now
    table = tables.orders
    conditions = [table.c.state == query.state] if query.state is not None else []
    branches = seen_by(actor, query.grants, table, ("customer", "provider", "station"), conditions)
    rows, cursor = newest(uow.connection, branches, ("placed_at", "order_id"), query.after, query.limit)
    return OrderPage(items=tuple(_summary(row) for row in rows), next_cursor=cursor)


def _summary(row: Any) -> OrderSummary:
    order = ORDER.read(row)
    return OrderSummary(
        order_id=order.order_id,
        number=order.number,
        state=order.state,
        seen_as=row.seen_as,
        customer_id=order.customer_id,
        provider_id=order.provider_id,
        station_id=order.station_id,
        amounts=shapes.amounts(order.seen_by(row.seen_as)[1]),
        placed_at=order.placed_at,
    )
