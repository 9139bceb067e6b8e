"""Runs of reconciliation and what they found."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.messages.base import Instant
from services.shared.messages.billing.reconciliation import (
    ItemKind,
    ItemState,
    ReconciliationSource,
    RunState,
)


class ReconciliationToStart(Schema):
    source: ReconciliationSource
    day: Annotated[
        date | None, Field(ge=date(2000, 1, 1), description="business day (Asia/Shanghai); default yesterday")
    ] = None
    since_ever: Annotated[
        bool, Field(description="list all that the institution ever booked, not only what is new")
    ] = False


class ReconciledBalance(Shown):
    """What stood on the account, minor units; *before*: what stood there before the first statement."""

    currency: str
    theirs: int
    ours: int
    before: int
    on: date | None


class Reconciliation(Shown):
    run_id: UUID
    source: ReconciliationSource
    day: date
    until: Instant
    state: RunState
    asked_by: str
    started_at: Instant
    finished_at: Instant | None
    matched: int
    ours_only: int
    theirs_only: int
    amount_differs: int
    overdue: int
    balances: tuple[ReconciledBalance, ...]
    failure: str


class ReconciliationPage(Shown):
    items: tuple[Reconciliation, ...]
    next_cursor: str | None


class ReconciliationItem(Shown):
    """*ours*, *theirs*: minor units, above zero what makes the account more; none: nothing there."""

    item_id: UUID
    kind: ItemKind
    reference: str
    state: ItemState
    currency: str
    ours: int | None
    theirs: int | None
    occurred_at: Instant
    first_seen_at: Instant
    age_days: int
    overdue: bool
    detail: str


class ReconciliationItemPage(Shown):
    items: tuple[ReconciliationItem, ...]
    next_cursor: str | None


class ListedReconciliations(Listed):
    source: ReconciliationSource | None = None
