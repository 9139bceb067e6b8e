"""What orders freeze of billing's facts when a contract is signed: the commission plan and the referral."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class CommissionPlanCopy:
    """*fee_bps* of the net, *station_bps* of the fee; in force from *valid_from* until the next one."""

    commission_plan_id: UUID
    valid_from: datetime
    fee_bps: int
    station_bps: int


@dataclass(frozen=True)
class ReferralCopy:
    """*station_id* brought *customer_id*; protects what is placed before *protected_until*."""

    referral_id: UUID
    customer_id: UUID
    station_id: UUID
    protected_from: datetime
    protected_until: datetime
