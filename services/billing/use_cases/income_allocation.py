"""Income allocation: a provider says how its income is divided."""

from datetime import datetime

from services.billing.domain.income_allocation import IncomeAllocation, Unit
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import new_id
from services.shared.messages.billing.income_allocation import IncomeAllocationView, IncomeShare, SetIncomeAllocation


def set_income_allocation(
    command: SetIncomeAllocation, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> IncomeAllocationView:
    """
    A rule for one's own income.

    Raises:
        NotFound: No such offering was ever published.
        SharesNotWhole: See there.
    """
    require(actor, command.grants, {"self": actor.organisation_id})
    if command.offering_id is not None and not uow.offerings.find_all([command.offering_id]):
        raise NotFound
    rule = IncomeAllocation(
        allocation_id=new_id(), provider_id=actor.organisation_id, offering_id=command.offering_id,
        since=command.since, shares=tuple((Unit(share.college, share.team), share.bps) for share in command.shares),
        set_at=now, set_by=hand_of(actor),
    )  # fmt: skip
    uow.income_allocations.add(rule)
    return view(rule)


def view(rule: IncomeAllocation) -> IncomeAllocationView:
    return IncomeAllocationView(
        allocation_id=rule.allocation_id,
        offering_id=rule.offering_id,
        since=rule.since,
        shares=tuple(IncomeShare(college=unit.college, team=unit.team, bps=bps) for unit, bps in rule.shares),
        set_at=rule.set_at,
    )
