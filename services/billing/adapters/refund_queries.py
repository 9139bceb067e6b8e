"""Reads of refunds."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from services.billing.adapters import tables
from services.billing.adapters.refund_repositories import refund_of
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.use_cases import refund
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.messages.billing.refund import GetRefund, ListRefunds, RefundPage, RefundView


def get_refund(query: GetRefund, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> RefundView:
    del now
    row = uow.connection.execute(
        select(tables.refund).where(tables.refund.c.refund_id == query.refund_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    require(actor, query.grants, {"customer": row.customer_id})
    return refund.view(refund_of(row))


def list_refunds(query: ListRefunds, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> RefundPage:
    del now
    relation = require(actor, query.grants, {} if actor.operator else {"self": actor.organisation_id})
    table = tables.refund
    statement = select(table)
    if relation == "self":
        statement = statement.where(table.c.customer_id == actor.organisation_id)
    if query.order_id is not None:
        statement = statement.where(table.c.order_id == query.order_id)
    if query.state is not None:
        statement = statement.where(table.c.state == query.state)
    rows, cursor = page(
        uow.connection, statement, (table.c.requested_at, table.c.refund_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return RefundPage(items=tuple(refund.view(refund_of(row)) for row in rows), next_cursor=cursor)
