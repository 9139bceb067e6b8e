"""Publishing commission plans."""

from datetime import datetime

from services.billing.domain.commission_plan import CommissionPlan
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.ids import new_id
from services.shared.messages.billing.commission_plan import (
    CommissionPlanPublished,
    CommissionPlanView,
    PublishCommissionPlan,
)


def publish_commission_plan(
    command: PublishCommissionPlan, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> CommissionPlanView:
    """Signed contracts keep theirs, so a plan may be valid from any instant."""
    require(actor, command.grants, {})
    plan = CommissionPlan(new_id(), command.valid_from, command.fee_bps, command.station_bps, now)
    uow.plans.add(plan)
    told = {
        "commission_plan_id": plan.commission_plan_id,
        "valid_from": plan.valid_from,
        "fee_bps": plan.fee_bps,
        "station_bps": plan.station_bps,
    }
    uow.publish(CommissionPlanPublished.model_validate(told))
    return CommissionPlanView.model_validate(told)
