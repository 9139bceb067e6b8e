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
from services.shared.kernel.money import Money
from services.shared.kernel.times import business_date
from services.shared.messages.billing.bank_order import BankOrderDocument
from services.shared.messages.billing.credit_payback import (
    CreditPaybackPage,
    GetCreditPaybackDocument,
    ListCreditPaybacks,
    ListOwedToProgrammes,
    OwedToProgramme,
    OwedToProgrammes,
)

if TYPE_CHECKING:
    from services.billing.adapters.unit_of_work import BillingUnitOfWork

_TABLE = credit_tables.credit_payback

# What was paid back paid back what was owed longest.
_OWED = text("""
SELECT p.programme_id, p.number, p.authority_id, b.currency, b.posted_c - b.posted_d AS owed, oldest.since
FROM programme p
JOIN account_balance b ON b.account = 'L:voucher_clawback:' || p.programme_id AND b.posted_c > b.posted_d
CROSS JOIN LATERAL (
  SELECT min(effective_at) AS since FROM (
    SELECT effective_at, sum(amount) OVER (ORDER BY effective_at, seq, line) AS credited FROM ledger_entry e
    WHERE e.account = b.account AND e.currency = b.currency AND e.side = 'C') AS c
  WHERE c.credited > b.posted_d) AS oldest
WHERE CAST(:authority_id AS uuid) IS NULL OR p.authority_id = :authority_id
ORDER BY oldest.since, p.number
""")


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
    if query.programme_id is not None:
        statement = statement.where(_TABLE.c.programme_id == query.programme_id)
    if query.state is not None:
        statement = statement.where(_TABLE.c.state == query.state)
    rows, cursor = page(
        uow.connection, statement, (_TABLE.c.requested_at, _TABLE.c.credit_payback_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    items = tuple(credit_payback.view(CreditPayback(**row._mapping)) for row in rows)
    return CreditPaybackPage(items=items, next_cursor=cursor)


def list_owed_to_programmes(
    query: ListOwedToProgrammes, *, actor: Actor, uow: "BillingUnitOfWork", now: datetime
) -> OwedToProgrammes:
    own = require(actor, query.grants, {"authority": actor.organisation_id}) == "authority"
    today = business_date(now)
    rows = uow.connection.execute(_OWED, {"authority_id": actor.organisation_id if own else None})
    return OwedToProgrammes(
        items=tuple(
            OwedToProgramme(
                programme_id=row.programme_id, programme_number=row.number, authority_id=row.authority_id,
                amount=Money(row.owed, row.currency), since=row.since,
                age_days=(today - business_date(row.since)).days,
            )
            for row in rows
        )
    )  # fmt: skip


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
