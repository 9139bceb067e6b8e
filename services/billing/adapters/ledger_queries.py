"""Reads of the ledger: the trial balance, and transactions with their entries."""

from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.sql import column, table

from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, require
from services.shared.messages.billing.ledger import (
    Balance,
    BalancePage,
    Entry,
    LedgerTransaction,
    LedgerTransactionPage,
    ListBalances,
    ListLedgerTransactions,
)

_TX = table(
    "ledger_tx",
    *(column(name) for name in ("seq", "transaction_id", "idem_key", "kind", "order_id", "order_number",
                                "effective_at", "business_at", "reverses_id")),
)  # fmt: skip
BALANCES_MAX = 10_000


def list_balances(query: ListBalances, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> BalancePage:
    """Accounts by name. Those of single orders that are empty again are left out unless their prefix is asked for."""
    del now
    require(actor, query.grants, {})
    rows = uow.connection.execute(
        text(
            "SELECT account, currency, sum(posted_d)::bigint AS debit, sum(posted_c)::bigint AS credit"
            " FROM account_balance WHERE starts_with(account, :prefix) GROUP BY account, currency"
            " HAVING sum(posted_d) <> sum(posted_c) OR :prefix LIKE 'L:%:%' OR NOT starts_with(account, 'L:')"
            " ORDER BY account, currency LIMIT :most"
        ),
        {"prefix": query.prefix, "most": BALANCES_MAX},
    )
    return BalancePage(items=tuple(Balance(**row._mapping) for row in rows))


def list_ledger_transactions(
    query: ListLedgerTransactions, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> LedgerTransactionPage:
    del now
    require(actor, query.grants, {})
    statement = select(_TX)
    if query.order_id is not None:
        statement = statement.where(_TX.c.order_id == query.order_id)
    if query.account is not None:
        statement = statement.where(
            text("seq IN (SELECT e.seq FROM ledger_entry e WHERE e.account = :account)")
        ).params(account=query.account)
    rows, cursor = page(
        uow.connection, statement, (_TX.c.seq,), query.after, query.limit, read=(int,), newest_first=True,
    )  # fmt: skip
    entries = entries_of(uow, [row.seq for row in rows])
    return LedgerTransactionPage(
        items=tuple(
            LedgerTransaction(
                transaction_id=row.transaction_id,
                key=row.idem_key,
                kind=row.kind,
                order_id=row.order_id,
                order_number=row.order_number,
                effective_at=row.effective_at,
                business_at=row.business_at,
                reverses=row.reverses_id,
                entries=tuple(entries[row.seq]),
            )
            for row in rows
        ),
        next_cursor=cursor,
    )


def entries_of(uow: BillingUnitOfWork, numbers: list[int]) -> dict[int, list[Entry]]:
    found: dict[int, list[Entry]] = {number: [] for number in numbers}
    if found:
        rows = uow.connection.execute(
            text(
                "SELECT seq, line, account, side, amount, currency FROM ledger_entry"
                " WHERE seq = ANY(:numbers) ORDER BY seq, line"
            ),
            {"numbers": numbers},
        )
        for row in rows:
            fields = dict(row._mapping)
            found[fields.pop("seq")].append(Entry(**fields))
    return found
