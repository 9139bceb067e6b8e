"""What orders freeze of billing's facts when a contract is signed: the commission plan and the referral."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.shared.kernel.fee import FeeComponent, Percentage, Scope


@dataclass(frozen=True)
class CommissionPlanCopy:
    """
    For the orders of its scope in force from *valid_from* until *valid_until*, or until the next one of that scope.

    Attributes:
        fee_bps: The percentages of the fee together.
        station_bps: Of the fee.
        components: Of the fee, in their order; none, of plans from before there were any: *fee_bps* is all of it.
    """

    commission_plan_id: UUID
    valid_from: datetime
    fee_bps: int
    station_bps: int
    valid_until: datetime | None = None
    components: tuple[FeeComponent, ...] = ()
    provider_id: UUID | None = None
    offering_class: str = ""
    station_id: UUID | None = None
    currency: str | None = None

    @property
    def scope(self) -> Scope:
        return Scope(self.provider_id, self.offering_class, self.station_id, self.currency)

    @property
    def rule(self) -> tuple[FeeComponent, ...]:
        return self.components or (Percentage(self.fee_bps),)


@dataclass(frozen=True)
class ReferralCopy:
    """*station_id* brought *customer_id*; protects what is placed before *protected_until*."""

    referral_id: UUID
    customer_id: UUID
    station_id: UUID
    protected_from: datetime
    protected_until: datetime
