"""Reads of credit lines and receivables: SQL → view."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from services.billing.adapters import credit_tables as tables
from services.billing.adapters.credit_repositories import exposure_of, line_of_row
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.domain import ledger
from services.billing.domain.receivable import Receivable
from services.billing.use_cases import credit, receivable
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, Parties, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.money import Money
from services.shared.kernel.times import business_date
from services.shared.messages.billing.credit import CreditLinePage, CreditLineView, GetCreditLine, ListCreditLines
from services.shared.messages.billing.receivable import (
    Ageing,
    AgeingRow,
    GetAgeing,
    GetReceivable,
    GetStatementOfAccount,
    ListReceivables,
    Position,
    ReceivablePage,
    ReceivableView,
    StatementOfAccount,
)

# How much is how old, in one pass over what is unpaid.
AGEING = """
SELECT r.customer_id, o.legal_name, r.currency, sum(r.open) AS open,
       coalesce(sum(r.open) FILTER (WHERE coalesce(r.days, 0) <= 0), 0) AS current,
       coalesce(sum(r.open) FILTER (WHERE r.days BETWEEN 1 AND 30), 0) AS days_1_30,
       coalesce(sum(r.open) FILTER (WHERE r.days BETWEEN 31 AND 60), 0) AS days_31_60,
       coalesce(sum(r.open) FILTER (WHERE r.days BETWEEN 61 AND 90), 0) AS days_61_90,
       coalesce(sum(r.open) FILTER (WHERE r.days > 90), 0) AS days_over_90
FROM (SELECT customer_id, currency, amount - paid - written_off AS open, %(today)s::date - due_on AS days
      FROM receivable WHERE state IN ('uninvoiced', 'open')) r
LEFT JOIN organisation o ON o.organisation_id = r.customer_id
GROUP BY r.customer_id, o.legal_name, r.currency
ORDER BY sum(r.open) DESC, r.customer_id, r.currency
LIMIT 1000
"""

POSITIONS = """
SELECT currency, sum(open) AS open, sum(overdue) AS overdue, sum(credit) AS credit
FROM (
  SELECT currency, amount - paid - written_off AS open,
         CASE WHEN due_on < %(today)s THEN amount - paid - written_off ELSE 0 END AS overdue, 0 AS credit
  FROM receivable WHERE customer_id = %(customer)s::uuid AND state IN ('uninvoiced', 'open')
  UNION ALL
  SELECT currency, 0, 0, posted_c - posted_d FROM account_balance WHERE account = %(account)s
) AS each
GROUP BY currency HAVING sum(open) <> 0 OR sum(credit) <> 0 ORDER BY currency
"""


def get_credit_line(
    query: GetCreditLine, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, block_overdue_days: int
) -> CreditLineView:
    table = tables.credit_line
    row = uow.connection.execute(select(table).where(table.c.credit_line_id == query.credit_line_id)).one_or_none()
    if row is None:
        raise NotFound
    require(actor, query.grants, {"customer": row.customer_id})
    return _line_view(row, uow, now, block_overdue_days)


def list_credit_lines(
    query: ListCreditLines, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, block_overdue_days: int
) -> CreditLinePage:
    relation = require(actor, query.grants, _asker(actor))
    table = tables.credit_line
    statement = select(table)
    if relation == "self":
        statement = statement.where(table.c.customer_id == actor.organisation_id)
    elif query.customer_id is not None:
        statement = statement.where(table.c.customer_id == query.customer_id)
    rows, cursor = page(
        uow.connection, statement, (table.c.created_at, table.c.credit_line_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return CreditLinePage(
        items=tuple(_line_view(row, uow, now, block_overdue_days) for row in rows), next_cursor=cursor
    )


def _line_view(row: Any, uow: BillingUnitOfWork, now: datetime, block_overdue_days: int) -> CreditLineView:
    today = business_date(now)
    exposure = exposure_of(uow.connection, row.customer_id, row.currency, today, block_overdue_days)
    return credit.view(line_of_row(row), exposure, now)


def get_receivable(query: GetReceivable, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> ReceivableView:
    table = tables.receivable
    row = uow.connection.execute(select(table).where(table.c.receivable_id == query.receivable_id)).one_or_none()
    if row is None:
        raise NotFound
    require(actor, query.grants, {"customer": row.customer_id})
    return receivable.view(Receivable(**row._mapping), business_date(now))


def list_receivables(query: ListReceivables, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> ReceivablePage:
    relation = require(actor, query.grants, _asker(actor))
    table = tables.receivable
    statement = select(table)
    if relation == "self":
        statement = statement.where(table.c.customer_id == actor.organisation_id)
    elif query.customer_id is not None:
        statement = statement.where(table.c.customer_id == query.customer_id)
    if query.state is not None:
        statement = statement.where(table.c.state == query.state)
    rows, cursor = page(
        uow.connection, statement, (table.c.opened_at, table.c.receivable_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return ReceivablePage(items=_views(rows, business_date(now)), next_cursor=cursor)


def get_statement_of_account(
    query: GetStatementOfAccount, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> StatementOfAccount:
    require(actor, query.grants, {"self": query.customer_id})
    today = business_date(now)
    customer = uow.organisations.find(query.customer_id)
    if customer is None:
        raise NotFound
    table = tables.receivable
    rows = uow.connection.execute(
        select(table)
        .where(table.c.customer_id == query.customer_id, table.c.state.in_(("uninvoiced", "open")))
        .order_by(table.c.due_on.nulls_last(), table.c.opened_at, table.c.receivable_id)
        .limit(1_000)
    )
    positions = uow.connection.exec_driver_sql(
        POSITIONS,
        {"customer": str(query.customer_id), "today": today, "account": ledger.customer_credit(query.customer_id)},
    )
    return StatementOfAccount(
        customer_id=query.customer_id,
        customer_name=customer.legal_name,
        as_of=today,
        positions=tuple(
            Position(
                open=Money(int(row.open), row.currency),
                overdue=Money(int(row.overdue), row.currency),
                credit=Money(int(row.credit), row.currency),
            )
            for row in positions
        ),
        items=_views(rows, today),
    )


def get_ageing(query: GetAgeing, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> Ageing:
    require(actor, query.grants, {})
    today = business_date(now)
    rows = uow.connection.exec_driver_sql(AGEING, {"today": today})
    return Ageing(
        as_of=today,
        rows=tuple(
            AgeingRow(
                customer_id=row.customer_id,
                customer_name=row.legal_name or "",
                **{
                    name: Money(int(getattr(row, name)), row.currency)
                    for name in ("open", "current", "days_1_30", "days_31_60", "days_61_90", "days_over_90")
                },
            )
            for row in rows
        ),
    )


def _views(rows: Any, today: date) -> tuple[ReceivableView, ...]:
    return tuple(receivable.view(Receivable(**row._mapping), today) for row in rows)


def _asker(actor: Actor) -> Parties:
    """Lists show an organisation its own; to the operating company, which would be its own too, they show all."""
    return {} if actor.operator else {"self": actor.organisation_id}
