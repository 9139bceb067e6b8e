"""Adjustments of the ledger by hand."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from gateway.schemas.base import Listed, Schema, Shown
from gateway.schemas.ledger import LedgerEntry
from services.shared.messages.base import Instant, Name
from services.shared.messages.billing.adjustment import AdjustmentEntry, AdjustmentKind, AdjustmentState


class AdjustmentToPropose(Schema):
    kind: Literal["write_off", "rounding", "reclassification", "reconciliation"]
    reason: Name
    order_id: UUID | None = None
    entries: Annotated[tuple[AdjustmentEntry, ...], Field(min_length=1, max_length=50)]
    effective_at: Annotated[Instant | None, Field(description="when it counts; now where none is said")] = None
    item_id: Annotated[
        UUID | None, Field(description="the item of reconciliation that kind reconciliation puts in order")
    ] = None


class ReversalToPropose(Schema):
    transaction_id: UUID
    reason: Name


class Adjustment(Shown):
    adjustment_id: UUID
    number: str
    kind: AdjustmentKind
    state: AdjustmentState
    reason: str
    order_id: UUID | None
    order_number: str
    reverses: UUID | None
    entries: tuple[LedgerEntry, ...]
    effective_at: Instant
    proposed_at: Instant
    proposed_by: str
    decided_at: Instant | None
    decided_by: str
    transaction_id: UUID | None
    item_id: UUID | None


class AdjustmentPage(Shown):
    items: tuple[Adjustment, ...]
    next_cursor: str | None


class AdjustmentsListed(Listed):
    state: AdjustmentState | None = None
