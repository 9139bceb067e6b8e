"""
What stood on accounts as of any time, and their statements.

Two times: when an entry counts (`effective_at`) and when it became known here (`posted_at`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, func, select, text
from sqlalchemy.sql import column, table

from services.billing.adapters.ledger_sums import ALWAYS, OF_ACCOUNT, OPEN
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.domain.ledger import normal_side
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, require
from services.shared.messages.billing.account import (
    AccountBalance,
    AccountStatementPage,
    CurrencyTotal,
    GetAccountStatement,
    GetTrialBalance,
    StatementLine,
    TrialBalancePage,
)
from services.shared.messages.billing.period import ListPeriods, PeriodPage, PeriodView

_ENTRY = table(
    "ledger_entry",
    *(column(name) for name in ("account", "currency", "effective_at", "seq", "line", "side", "posted_at")),
    column("amount", BigInteger),
)
_TX = table(
    "ledger_tx",
    *(column(name) for name in ("seq", "transaction_id", "idem_key", "kind", "order_id", "order_number",
                                "business_at")),
)  # fmt: skip


def base_of(uow: BillingUnitOfWork, until: datetime, known_at: datetime) -> datetime:
    """The instant from which entries must be read, for what counts before *until* as known at *known_at*."""
    found = uow.connection.execute(
        text("SELECT max(until) FROM ledger_period WHERE until <= :until AND closed_at <= :known_at"),
        {"until": until, "known_at": known_at},
    ).scalar_one()
    return found if found is not None else ALWAYS


def get_trial_balance(
    query: GetTrialBalance, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> TrialBalancePage:
    require(actor, query.grants, {})
    until, known_at = query.until or now, query.known_at or now
    times = {"base": base_of(uow, until, known_at), "until": until, "known_at": known_at}
    balances = (
        text(OPEN).bindparams(**times).columns(column("account"), column("currency"), column("stands", BigInteger))
        .cte("balances")
    )  # fmt: skip
    totals = text("""(SELECT jsonb_agg(t ORDER BY t.currency) FROM (
        SELECT currency, sum(greatest(stands, 0)) AS debit, sum(greatest(-stands, 0)) AS credit
        FROM balances GROUP BY currency) AS t) AS totals""")
    rows, cursor = page(
        uow.connection, select(balances, totals), (balances.c.account, balances.c.currency), query.after, query.limit,
        read=(str, str),
    )  # fmt: skip
    return TrialBalancePage(
        until=until,
        known_at=known_at,
        totals=tuple(CurrencyTotal(**total) for total in (rows[0].totals if rows else ())),
        items=tuple(_balance(row) for row in rows),
        next_cursor=cursor,
    )


def _balance(row: Any) -> AccountBalance:
    return AccountBalance(
        account=row.account, currency=row.currency, debit=max(row.stands, 0), credit=max(-row.stands, 0)
    )


def balance_of(
    uow: BillingUnitOfWork, account: str, currency: str, since: datetime, until: datetime, known_at: datetime
) -> tuple[int, int]:
    """What stood on *account* before *since* and before *until*, above zero on its own side."""
    row = uow.connection.execute(
        OF_ACCOUNT,
        {"account": account, "currency": currency, "since": since, "until": until, "known_at": known_at,
         "base": base_of(uow, since, known_at)},
    ).one()  # fmt: skip
    sign = 1 if normal_side(account) == "D" else -1
    return sign * row.opening, sign * row.closing


def get_account_statement(
    query: GetAccountStatement, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> AccountStatementPage:
    require(actor, query.grants, {})
    since, until, known_at = query.since or ALWAYS, query.until or now, query.known_at or now
    opening, closing = balance_of(uow, query.account, query.currency, since, until, known_at)
    rows, cursor = _lines(uow, query, since, until, known_at)
    return AccountStatementPage(
        account=query.account,
        currency=query.currency,
        side=normal_side(query.account),
        since=query.since,
        until=until,
        known_at=known_at,
        opening=opening,
        closing=closing,
        items=tuple(
            StatementLine(
                transaction_id=row.transaction_id,
                line=row.line,
                key=row.idem_key,
                kind=row.kind,
                order_id=row.order_id,
                order_number=row.order_number,
                effective_at=row.effective_at,
                business_at=row.business_at,
                posted_at=row.posted_at,
                side=row.side,
                amount=row.amount,
                balance=opening + int(row.moved),
            )
            for row in rows
        ),
        next_cursor=cursor,
    )


def _lines(
    uow: BillingUnitOfWork, query: GetAccountStatement, since: datetime, until: datetime, known_at: datetime
) -> tuple[Sequence[Any], str | None]:
    c = _ENTRY.c
    place = (c.effective_at, c.seq, c.line)
    own = text("CASE side WHEN :own THEN amount ELSE -amount END").bindparams(own=normal_side(query.account))
    moved = func.sum(own).over(order_by=place, rows=(None, 0)).label("moved")
    # Summed from the first line on before the page is cut out of it: every page goes on from the one before.
    lines = (
        select(*place, c.side, c.amount, c.posted_at, moved)
        .where(c.account == query.account, c.currency == query.currency, c.effective_at >= since,
               c.effective_at < until, c.posted_at <= known_at)
        .subquery("lines")
    )  # fmt: skip
    statement = select(
        lines, _TX.c.transaction_id, _TX.c.idem_key, _TX.c.kind, _TX.c.order_id, _TX.c.order_number, _TX.c.business_at
    ).join_from(lines, _TX, _TX.c.seq == lines.c.seq)
    return page(
        uow.connection, statement, (lines.c.effective_at, lines.c.seq, lines.c.line), query.after, query.limit,
        read=(datetime.fromisoformat, int, int),
    )  # fmt: skip


def list_periods(query: ListPeriods, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> PeriodPage:
    del now
    require(actor, query.grants, {})
    rows = uow.connection.execute(
        text(
            "SELECT period, until, closed_at, closed_by, trial_balance_sha256, block FROM ledger_period"
            " ORDER BY until DESC"
        )
    )
    return PeriodPage(items=tuple(PeriodView(**row._mapping) for row in rows))
