"""A commission plan: the fee and the station's part of it, for which orders and from when on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.fee import FeeComponent, FeeInvalid, Percentage, Scope, check_fee, in_one_currency


class PlanExists(Conflict):
    """Another plan for the same orders is valid from the same instant."""

    code = "billing.commission_plan_exists"


class PlansOverlap(Conflict):
    """A plan whose end is stated and another one for the same orders would be in force at once."""

    code = "billing.commission_plans_overlap"


class NoPlan(Conflict):
    """No commission plan is in force for such an order."""

    code = "billing.no_commission_plan"


class ValidityEmpty(Invalid):
    """A plan ends after it has begun."""

    code = "billing.commission_plan_validity_empty"


@dataclass(frozen=True)
class CommissionPlan:
    """
    Never changed, since contracts refer to it.

    Attributes:
        scope: The orders that it is made for. Of several plans that fit an order the most specific counts.
        valid_from: From then on it is in force, until the next one of its scope begins or
        valid_until: its own end, where it has one.
        components: Of the fee, in the order in which they are computed.
        station_bps: The station's part of the fee.
    """

    commission_plan_id: UUID
    scope: Scope
    valid_from: datetime
    valid_until: datetime | None
    components: tuple[FeeComponent, ...]
    station_bps: int
    published_at: datetime
    published_by: str

    @property
    def fee_bps(self) -> int:
        """The percentages together: all of the fee where there are no other components."""
        return sum(each.bps for each in self.components if isinstance(each, Percentage))

    def overlaps(self, other: "CommissionPlan") -> bool:
        """Whether both, of one scope, would be in force at once. One without an end gives way to the next."""
        first, second = sorted((self, other), key=lambda plan: plan.valid_from)
        return first.valid_until is not None and second.valid_from < first.valid_until


def check_plan(plan: CommissionPlan, others: Iterable[CommissionPlan]) -> None:
    """
    Whether *plan* can stand beside the *others* of its scope.

    Raises:
        FeeInvalid: Its components are no rule, or say amounts of no currency.
        ValidityEmpty, PlanExists, PlansOverlap
    """
    check_fee(plan.components)
    if in_one_currency(plan.components) and plan.scope.currency is None:
        raise FeeInvalid(problem="currency")
    if plan.valid_until is not None and plan.valid_until <= plan.valid_from:
        raise ValidityEmpty
    for other in others:
        if other.valid_from == plan.valid_from:
            raise PlanExists(commission_plan_id=str(other.commission_plan_id))
        if plan.overlaps(other):
            raise PlansOverlap(commission_plan_id=str(other.commission_plan_id))


def components_of(fee_bps: int | None, components: Sequence[FeeComponent]) -> tuple[FeeComponent, ...]:
    """Of a plan that says either. Raises: FeeInvalid: It says both."""
    if fee_bps is None:
        return tuple(components)
    if components:
        raise FeeInvalid(problem="components")
    return (Percentage(fee_bps),)
