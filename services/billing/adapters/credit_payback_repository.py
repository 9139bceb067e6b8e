"""Rows ⇄ credit paybacks, and reads of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert

from services.billing.adapters import credit_tables
from services.billing.domain.credit_payback import CreditPayback
from services.billing.use_cases import credit_payback
from services.shared.chassis.database import save_versioned
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.messages.billing.bank_order import BankOrderDocument
from services.shared.messages.billing.credit_payback import (
    CreditPaybackPage,
    GetCreditPaybackDocument,
    ListCreditPaybacks,
)

if TYPE_CHECKING:
    from services.billing.adapters.unit_of_work import BillingUnitOfWork

_TABLE = credit_tables.credit_payback


class SqlCreditPaybacks:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, payback: CreditPayback) -> None:
        values = asdict(payback) | {"number": text("next_number('CP', :at)").bindparams(at=payback.requested_at)}
        payback.number = self.connection.execute(insert(_TABLE).values(values).returning(_TABLE.c.number)).scalar_one()

    def get(self, credit_payback_id: UUID) -> CreditPayback:
        row = self.connection.execute(
            select(_TABLE).where(_TABLE.c.credit_payback_id == credit_payback_id).with_for_update()
        ).one_or_none()
        if row is None:
            raise NotFound
        return CreditPayback(**row._mapping)

    def by_numbers(self, numbers: Iterable[str]) -> Mapping[str, CreditPayback]:
        rows = self.connection.execute(
            select(_TABLE)
            .where(_TABLE.c.number.in_(list(numbers)))
            .order_by(_TABLE.c.credit_payback_id)
            .with_for_update()
        )
        return {row.number: CreditPayback(**row._mapping) for row in rows}

    def save(self, payback: CreditPayback) -> None:
        key = {"credit_payback_id": payback.credit_payback_id}
        save_versioned(self.connection, _TABLE, key, vars(payback))
        payback.version += 1  # one file may tell that it was made and that it came back


def list_credit_paybacks(
    query: ListCreditPaybacks, *, actor: Actor, uow: "BillingUnitOfWork", now: datetime
) -> CreditPaybackPage:
    del now
    require(actor, query.grants, {})
    statement = select(_TABLE)
    if query.customer_id is not None:
        statement = statement.where(_TABLE.c.customer_id == query.customer_id)
    if query.state is not None:
        statement = statement.where(_TABLE.c.state == query.state)
    rows, cursor = page(
        uow.connection, statement, (_TABLE.c.requested_at, _TABLE.c.credit_payback_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    items = tuple(credit_payback.view(CreditPayback(**row._mapping)) for row in rows)
    return CreditPaybackPage(items=items, next_cursor=cursor)


def get_credit_payback_document(
    query: GetCreditPaybackDocument, *, actor: Actor, uow: "BillingUnitOfWork", now: datetime,
    download_url: Callable[[str, str], str],
) -> BankOrderDocument:  # fmt: skip
    """*download_url*: key and file name → where the holder may fetch it."""
    del now
    require(actor, query.grants, {})
    row = uow.connection.execute(
        select(_TABLE).where(_TABLE.c.credit_payback_id == query.credit_payback_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    filename = f"{row.number}{PurePosixPath(row.document_key or '').suffix}"
    return BankOrderDocument(
        url=download_url(row.document_key, filename) if row.document_key is not None else None,
        sha256=row.document_sha256,
        size_bytes=row.document_size,
        filename=filename,
    )
