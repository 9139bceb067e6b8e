"""Commission plans."""

from uuid import UUID

from gateway.schemas.base import Schema, Shown
from services.shared.messages.base import BasisPoints, Instant


class CommissionPlan(Shown):
    commission_plan_id: UUID
    valid_from: Instant
    fee_bps: int
    station_bps: int


class CommissionPlanPage(Shown):
    items: tuple[CommissionPlan, ...]
    next_cursor: str | None


class CommissionPlanToPublish(Schema):
    valid_from: Instant
    fee_bps: BasisPoints
    station_bps: BasisPoints
