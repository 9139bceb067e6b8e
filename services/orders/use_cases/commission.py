"""Keeping the copies of billing's commission plans and referrals."""

from datetime import datetime

from services.orders.domain.commission import CommissionPlanCopy, ReferralCopy
from services.orders.use_cases.ports import OrdersUnitOfWork
from services.shared.messages.billing.commission_plan import CommissionPlanPublished
from services.shared.messages.billing.referral import ReferralConfirmed


def keep_plan(event: CommissionPlanPublished, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """Contracts signed while it is in force freeze it."""
    del now
    uow.commission.put_plan(
        CommissionPlanCopy(event.commission_plan_id, event.valid_from, event.fee_bps, event.station_bps)
    )


def keep_referral(event: ReferralConfirmed, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """Contracts of this customer freeze the station's share while it protects them."""
    del now
    uow.commission.put_referral(
        ReferralCopy(
            event.referral_id, event.customer_id, event.station_id, event.protected_from, event.protected_until
        )
    )
