"""The journal, piece by piece: a ledger of any size is exported without holding it in memory."""

from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.sql import column, table

from services.billing.adapters.ledger_queries import entries_of
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.domain.journal import beginning, rendered
from services.billing.domain.ledger import Entry, Transaction
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, require
from services.shared.messages.billing.journal import ExportJournal, JournalPiece

_TX = table(
    "ledger_tx",
    *(column(name) for name in ("seq", "transaction_id", "idem_key", "kind", "order_id", "order_number", "cause",
                                "effective_at", "business_at", "posted_at", "reverses_id")),
)  # fmt: skip


def export_journal(query: ExportJournal, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> JournalPiece:
    del now
    require(actor, query.grants, {})
    statement = select(_TX)
    if query.since is not None:
        statement = statement.where(text("effective_at >= :since").bindparams(since=query.since))
    if query.until is not None:
        statement = statement.where(text("effective_at < :until").bindparams(until=query.until))
    rows, cursor = page(uow.connection, statement, (_TX.c.seq,), query.after, query.limit, read=(int,))
    entries = entries_of(uow, [row.seq for row in rows])
    transactions = [
        Transaction(
            transaction_id=row.transaction_id,
            key=row.idem_key,
            kind=row.kind,
            order_id=row.order_id,
            order_number=row.order_number,
            cause=row.cause,
            effective_at=row.effective_at,
            posted_at=row.posted_at,
            entries=tuple(Entry(each.account, each.side, each.amount, each.currency) for each in entries[row.seq]),
            reverses=row.reverses_id,
            business_at=row.business_at,
        )
        for row in rows
    ]
    first = beginning(query.form) if query.after is None else ""
    return JournalPiece(content=first + rendered(query.form, transactions), next_cursor=cursor)
