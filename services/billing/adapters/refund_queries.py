"""Reads of refunds."""

from collections.abc import Callable
from datetime import datetime
from pathlib import PurePosixPath
from uuid import UUID

from sqlalchemy import select

from services.billing.adapters import tables
from services.billing.adapters.refund_repositories import refund_of
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.domain.refund import Refund
from services.billing.domain.refund_part import RefundPart
from services.billing.use_cases import refund
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.messages.billing.refund import (
    GetRefund,
    GetRefundDocuments,
    ListRefunds,
    RefundDocument,
    RefundDocuments,
    RefundPage,
    RefundView,
)


def get_refund(query: GetRefund, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> RefundView:
    del now
    found = _one(query.refund_id, uow)
    require(actor, query.grants, {"customer": found.customer_id})
    return refund.view(found)


def get_refund_documents(
    query: GetRefundDocuments, *, actor: Actor, uow: BillingUnitOfWork, now: datetime,
    download_url: Callable[[str, str], str],
) -> RefundDocuments:  # fmt: skip
    """*download_url*: key and file name → where the holder may fetch it."""
    del now
    require(actor, query.grants, {})
    found = _one(query.refund_id, uow)
    told = [part for part in found.parts if part.route == "bank_transfer" and part.state != "waiting"]
    return RefundDocuments(items=tuple(_document(found, n, part, download_url) for n, part in enumerate(told, 1)))


def _document(found: Refund, n: int, part: RefundPart, download_url: Callable[[str, str], str]) -> RefundDocument:
    filename = f"{found.number}-{n}.{PurePosixPath(part.order_key).suffix.removeprefix('.') or 'csv'}"
    return RefundDocument(
        payment_id=part.payment_id,
        url=download_url(part.order_key, filename) if part.order_key else None,
        sha256=part.order_sha256,
        size_bytes=part.order_size,
        filename=filename,
    )


def _one(refund_id: UUID, uow: BillingUnitOfWork) -> Refund:
    row = uow.connection.execute(select(tables.refund).where(tables.refund.c.refund_id == refund_id)).one_or_none()
    if row is None:
        raise NotFound
    return refund_of(row)


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
