"""Reads of reconciliation: runs, and what they found."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.sql import column, table

from services.billing.adapters.reconciliation_repository import reconciliation_run, run_of
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.use_cases.reconciliation import view
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.messages.billing.reconciliation import (
    GetReconciliation,
    ListReconciliationItems,
    ListReconciliations,
    ReconciliationItem,
    ReconciliationItemPage,
    ReconciliationPage,
    ReconciliationView,
)

_ITEM = table("reconciliation_item", *(column(name) for name in ("item_id", "kind", "reference", "currency")))
_FINDING = table(
    "reconciliation_finding",
    *(column(name) for name in ("run_id", "item_id", "state", "ours", "theirs", "occurred_at", "first_seen_at",
                                "overdue", "detail")),
)  # fmt: skip


def list_reconciliations(
    query: ListReconciliations, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> ReconciliationPage:
    del now
    require(actor, query.grants, {})
    run = reconciliation_run
    statement = select(run)
    if query.source is not None:
        statement = statement.where(run.c.source == query.source)
    rows, cursor = page(
        uow.connection, statement, (run.c.started_at, run.c.run_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return ReconciliationPage(items=tuple(view(run_of(row)) for row in rows), next_cursor=cursor)


def get_reconciliation(
    query: GetReconciliation, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> ReconciliationView:
    del now
    require(actor, query.grants, {})
    return view(run_of(_row(query.run_id, uow)))


def list_reconciliation_items(
    query: ListReconciliationItems, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> ReconciliationItemPage:
    require(actor, query.grants, {})
    ended_at = _row(query.run_id, uow).finished_at or now
    item, finding = _ITEM.c, _FINDING.c
    statement = (
        select(finding.item_id, item.kind, item.reference, item.currency, finding.state, finding.ours, finding.theirs,
               finding.occurred_at, finding.first_seen_at, finding.overdue, finding.detail)
        .join_from(_FINDING, _ITEM, finding.item_id == item.item_id)
        .where(finding.run_id == query.run_id)
    )  # fmt: skip
    rows, cursor = page(
        uow.connection, statement, (finding.occurred_at, finding.item_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID),
    )  # fmt: skip
    return ReconciliationItemPage(
        items=tuple(
            ReconciliationItem(**row._mapping, age_days=max(0, (ended_at - row.occurred_at).days)) for row in rows
        ),
        next_cursor=cursor,
    )


def _row(run_id: UUID, uow: BillingUnitOfWork) -> Row[Any]:
    row = uow.connection.execute(select(reconciliation_run).where(reconciliation_run.c.run_id == run_id)).one_or_none()
    if row is None:
        raise NotFound
    return row
