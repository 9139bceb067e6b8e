"""A commission plan: the fee and the station's part of it, from an instant on."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.shared.kernel.errors import Conflict


class PlanExists(Conflict):
    """Another plan is valid from the same instant."""

    code = "billing.commission_plan_exists"


@dataclass(frozen=True)
class CommissionPlan:
    """In force from *valid_from* until the next one's; never changed, since contracts refer to it."""

    commission_plan_id: UUID
    valid_from: datetime
    fee_bps: int
    station_bps: int
    published_at: datetime
