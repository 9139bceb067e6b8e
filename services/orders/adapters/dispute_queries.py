"""Reads of disputes."""

from datetime import datetime

from sqlalchemy import select

from services.orders.adapters import tables
from services.orders.adapters.newest import newest, seen_by
from services.orders.adapters.order_rows import DISPUTE
from services.orders.adapters.unit_of_work import OrdersUnitOfWork
from services.orders.use_cases import dispute
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.messages.orders.dispute import DisputePage, DisputeView, GetDispute, ListDisputes


def get_dispute(query: GetDispute, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime) -> DisputeView:
    del now
    table = tables.dispute
    row = uow.connection.execute(select(table).where(table.c.dispute_id == query.dispute_id)).one_or_none()
    if row is None:
        raise NotFound
    require(actor, query.grants, {"customer": row.customer_id, "provider": row.provider_id})
    return dispute.view(DISPUTE.read(row))


def list_disputes(query: ListDisputes, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime) -> DisputePage:
    del now
    table = tables.dispute
    conditions = [table.c.order_id == query.order_id] if query.order_id is not None else []
    if query.state is not None:
        conditions.append(table.c.state == query.state)
    branches = seen_by(actor, query.grants, table, ("customer", "provider"), conditions)
    rows, cursor = newest(uow.connection, branches, ("opened_at", "dispute_id"), query.after, query.limit)
    return DisputePage(items=tuple(dispute.view(DISPUTE.read(row)) for row in rows), next_cursor=cursor)
