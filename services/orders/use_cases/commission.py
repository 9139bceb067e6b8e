"""Keeping the copies of billing's commission plans and referrals, and which of them an order follows."""

from dataclasses import dataclass
from datetime import datetime

from services.orders.domain.commission import CommissionPlanCopy, ReferralCopy
from services.orders.domain.order import Order
from services.orders.use_cases.ports import Commission, Offerings, OrdersUnitOfWork
from services.shared.kernel.errors import NotYet
from services.shared.kernel.fee import Fee, Percentage, Scope, common_class, period_of, plan_in_force
from services.shared.kernel.times import start_of_business_period
from services.shared.messages.billing.commission_plan import CommissionPlanPublished
from services.shared.messages.billing.referral import ReferralConfirmed, ReferralRevoked

NO_FEE = Fee((Percentage(0),))


@dataclass(frozen=True)
class Agreed:
    """What an order's fee and the station's share of it follow from."""

    plan: CommissionPlanCopy
    referral: ReferralCopy | None
    fee: Fee


def agreed(order: Order, commission: Commission, offerings: Offerings, now: datetime) -> Agreed:
    """
    What *order* would settle by if it were signed at *now*: the plan, who brought it, and the volume until then.

    Raises:
        NotYet: No plan that fits is known here.
    """
    referral = commission.referral_for(order.customer_id, order.placed_at)
    plans = commission.plans_for(order.provider_id)
    wanted = Scope(
        provider_id=order.provider_id,
        offering_class=_class_of(order, offerings) if any(plan.offering_class for plan in plans) else "",
        station_id=referral.station_id if referral is not None else None,
        currency=order.base.net.currency,
    )
    plan = plan_in_force(plans, wanted, now)
    if plan is None:
        raise NotYet("no commission plan is known here yet")
    period = period_of(plan.rule)
    before = 0
    if period != "order":
        since = start_of_business_period(now, period)
        before = commission.volume_since(since, order.provider_id, order.base.net.currency)
    # Of its own people's orders a university owes the fee that it agreed with the company; billing knows it.
    return Agreed(plan, referral, Fee(plan.rule, before) if order.project_funds is None else NO_FEE)


def _class_of(order: Order, offerings: Offerings) -> str:
    """What all lines have in common; a line that is no offering's has no class."""
    ids = sorted({line.offering_id for line in order.lines if line.offering_id is not None})
    known = offerings.shelf(ids).offerings
    classes = {offering_id: offering.instrument_class for offering_id, offering in known.items()}
    return common_class(classes.get(line.offering_id, "") if line.offering_id else "" for line in order.lines)


def keep_plan(event: CommissionPlanPublished, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """Contracts signed while it is in force freeze it."""
    del now
    uow.commission.put_plan(CommissionPlanCopy(**dict(event)))


def keep_referral(event: ReferralConfirmed, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """Contracts of this customer freeze the station's share while it protects them."""
    del now
    uow.commission.put_referral(
        ReferralCopy(
            event.referral_id, event.customer_id, event.station_id, event.protected_from, event.protected_until
        )
    )


def end_referral(event: ReferralRevoked, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """What is placed from then on earns the station nothing. A second delivery says the same."""
    del now
    uow.commission.end_referral(event.referral_id, event.protected_until)
