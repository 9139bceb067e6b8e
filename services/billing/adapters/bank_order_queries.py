"""Reads of bank orders."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from services.billing.adapters import tables
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.domain.bank_order import BankOrder
from services.billing.use_cases import bank_order
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.messages.billing.bank_order import (
    BankOrderDocument,
    BankOrderPage,
    GetBankOrderDocument,
    ListBankOrders,
)


def list_bank_orders(query: ListBankOrders, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> BankOrderPage:
    del now
    require(actor, query.grants, {})
    table = tables.bank_order
    rows, cursor = page(
        uow.connection, select(table), (table.c.ordered_at, table.c.bank_order_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return BankOrderPage(items=tuple(bank_order.view(BankOrder(**row._mapping)) for row in rows), next_cursor=cursor)


def get_bank_order_document(
    query: GetBankOrderDocument,
    *,
    actor: Actor,
    uow: BillingUnitOfWork,
    now: datetime,
    download_url: Callable[[str, str], str],
) -> BankOrderDocument:
    """*download_url*: key and file name → where the holder may fetch it."""
    del now
    require(actor, query.grants, {})
    table = tables.bank_order
    row = uow.connection.execute(select(table).where(table.c.bank_order_id == query.bank_order_id)).one_or_none()
    if row is None:
        raise NotFound
    filename = f"{row.number}.{'csv' if row.format == 'csv' else 'xml'}"
    return BankOrderDocument(
        url=download_url(row.document_key, filename) if row.document_key is not None else None,
        sha256=row.document_sha256,
        size_bytes=row.document_size,
        filename=filename,
    )
