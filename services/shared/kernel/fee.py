"""
The management fee of an order: which plan it follows, and ordered components, computed on the whole order's net.

Each component changes the fee that the ones before it came to: a percentage, a fixed amount and tiers add to it,
a minimum lifts it, a maximum lowers it. Whatever they say, the fee is never more than the net. Orders name it on
the provider's paper, billing splits by it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Literal, Protocol, TypeVar
from uuid import UUID

from services.shared.kernel.errors import Invalid
from services.shared.kernel.money import AMOUNT_MAX
from services.shared.kernel.rate import share

COMPONENTS_MAX = 10
TIERS_MAX = 20
WHOLE_BPS = 10_000


class FeeInvalid(Invalid):
    """These components are no rule for a fee; facts say what is wrong."""

    code = "fee_invalid"


@dataclass(frozen=True, slots=True)
class Percentage:
    """*bps* of the net is added."""

    bps: int
    kind: Literal["percentage"] = "percentage"


@dataclass(frozen=True, slots=True)
class Fixed:
    """*amount*, minor units of the order's currency, is added."""

    amount: int
    kind: Literal["fixed"] = "fixed"


@dataclass(frozen=True, slots=True)
class Minimum:
    """The fee so far is at least *amount*, minor units of the order's currency."""

    amount: int
    kind: Literal["minimum"] = "minimum"


@dataclass(frozen=True, slots=True)
class Maximum:
    """The fee so far is at most *amount*, minor units of the order's currency."""

    amount: int
    kind: Literal["maximum"] = "maximum"


@dataclass(frozen=True, slots=True)
class Tier:
    """*bps* from a volume of *from_volume* (minor units) on, until the next tier's."""

    from_volume: int
    bps: int


@dataclass(frozen=True, slots=True)
class Tiers:
    """
    A share of the net is added whose rate depends on the volume.

    Attributes:
        tiers: Rising, the first from 0.
        reach: `marginal`: each rate counts for the part of the volume between its bound and the next;
            `whole`: the rate of the tier that the volume has reached with this order counts for all of it.
        period: Over which the volume is counted: of this order alone, or with what the provider's orders that were
            contracted before it in the same calendar month or year (Asia/Shanghai) came to.
    """

    tiers: tuple[Tier, ...]
    reach: Literal["marginal", "whole"] = "marginal"
    period: Literal["order", "month", "year"] = "order"
    kind: Literal["tiers"] = "tiers"


FeeComponent = Percentage | Fixed | Minimum | Maximum | Tiers
Period = Literal["order", "month", "year"]


@dataclass(frozen=True, slots=True)
class Fee:
    """
    How the fee of one order is computed, frozen on its contract.

    Attributes:
        volume_before: The provider's volume in the period of the tiers when the contract was signed, without this
            order; minor units. It is frozen with the components: what others order later changes nothing here.
    """

    components: tuple[FeeComponent, ...]
    volume_before: int = 0

    def of(self, net: int) -> int:
        """C: the fee of *net* (minor units, zero or more), between 0 and *net*."""
        if net < 0:
            raise ValueError("a fee is taken of zero or more")
        fee = 0
        for component in self.components:
            match component:
                case Percentage(bps=bps):
                    fee += share(net, bps)
                case Fixed(amount=amount):
                    fee += amount
                case Minimum(amount=amount):
                    fee = max(fee, amount)
                case Maximum(amount=amount):
                    fee = min(fee, amount)
                case Tiers():
                    fee += _by_volume(component, self.volume_before if component.period != "order" else 0, net)
        return min(fee, net)


def _by_volume(component: Tiers, before: int, net: int) -> int:
    after = before + net
    if component.reach == "whole":
        return share(net, next(tier.bps for tier in reversed(component.tiers) if tier.from_volume <= after))
    bounds = [tier.from_volume for tier in component.tiers[1:]]
    parts = (
        max(0, min(after, end) - max(before, tier.from_volume)) * tier.bps
        for tier, end in zip(component.tiers, [*bounds, after], strict=True)
    )
    return (sum(parts) + WHOLE_BPS // 2) // WHOLE_BPS  # rounded once, half up, like every share


def period_of(components: Sequence[FeeComponent]) -> Period:
    """Over which the volume is counted that must be known when a contract is signed; `order`: none."""
    return next((each.period for each in components if isinstance(each, Tiers) and each.period != "order"), "order")


def in_one_currency(components: Sequence[FeeComponent]) -> bool:
    """Whether the rule holds for orders of one currency only, because it says amounts."""
    return any(not isinstance(component, Percentage) for component in components)


def check_fee(components: Sequence[FeeComponent]) -> None:
    """
    Raises:
        FeeInvalid: There are none or too many; a rate is outside 0 to 10,000 or all together are above it; an amount
            is below zero or beyond what an amount may be; tiers do not rise from 0; volumes are of two periods; a
            maximum is below a minimum before it.
    """
    if not 1 <= len(components) <= COMPONENTS_MAX:
        raise FeeInvalid(problem="components")
    rates = [component.bps for component in components if isinstance(component, Percentage)]
    least = 0
    for component in components:
        match component:
            case Tiers(tiers=tiers):
                _check_tiers(tiers)
                rates.append(max(tier.bps for tier in tiers))
            case Fixed(amount=amount) | Minimum(amount=amount) | Maximum(amount=amount) if not (
                0 <= amount <= AMOUNT_MAX
            ):
                raise FeeInvalid(problem="amount")
            case Minimum(amount=amount):
                least = max(least, amount)
            case Maximum(amount=amount) if amount < least:
                raise FeeInvalid(problem="maximum_below_minimum")
    if min(rates, default=0) < 0 or sum(rates) > WHOLE_BPS:
        raise FeeInvalid(problem="rates")
    if len({each.period for each in components if isinstance(each, Tiers) and each.period != "order"}) > 1:
        raise FeeInvalid(problem="periods")


def _check_tiers(tiers: Sequence[Tier]) -> None:
    if not 1 <= len(tiers) <= TIERS_MAX or tiers[0].from_volume != 0:
        raise FeeInvalid(problem="tiers")
    if tiers[-1].from_volume > AMOUNT_MAX or any(
        lower.from_volume >= upper.from_volume for lower, upper in pairwise(tiers)
    ):
        raise FeeInvalid(problem="tiers")
    if any(not 0 <= tier.bps <= WHOLE_BPS for tier in tiers):
        raise FeeInvalid(problem="rates")


@dataclass(frozen=True, slots=True)
class Scope:
    """
    For which orders a commission plan is made; what is left out holds for all. Or what of that one order is.

    Attributes:
        offering_class: The two, four or six digits that the class of its instruments begins with.
        station_id: The station that brought the order in.
    """

    provider_id: UUID | None = None
    offering_class: str = ""
    station_id: UUID | None = None
    currency: str | None = None

    def covers(self, order: "Scope") -> bool:
        return (
            self.provider_id in {None, order.provider_id}
            and order.offering_class.startswith(self.offering_class)
            and self.station_id in {None, order.station_id}
            and self.currency in {None, order.currency}
        )

    @property
    def rank(self) -> tuple[bool, int, bool, bool]:
        """The higher, the more specific: the provider counts before the class, the class before the station."""
        return (
            self.provider_id is not None,
            len(self.offering_class),
            self.station_id is not None,
            self.currency is not None,
        )


class Plan(Protocol):
    """What is asked of a commission plan here. *valid_until*: none: until the next one of its scope begins."""

    @property
    def commission_plan_id(self) -> UUID: ...

    @property
    def scope(self) -> Scope: ...

    @property
    def valid_from(self) -> datetime: ...

    @property
    def valid_until(self) -> datetime | None: ...


P = TypeVar("P", bound=Plan)


def plan_in_force(plans: Iterable[P], order: Scope, at: datetime) -> P | None:
    """The plan that *order* follows at *at*: of those that cover it the most specific, of its scope the latest."""
    fitting = [
        plan
        for plan in plans
        if plan.valid_from <= at and (plan.valid_until is None or at < plan.valid_until) and plan.scope.covers(order)
    ]
    return max(fitting, key=lambda plan: (plan.scope.rank, plan.valid_from, plan.commission_plan_id), default=None)


def common_class(classes: Iterable[str]) -> str:
    """The class that all lines of an order belong to: the pairs of digits that all of *classes* begin with."""
    given = sorted(classes)
    if not given:
        return ""
    first, last = given[0], given[-1]  # what these two begin with, all between them begin with
    alike = 0
    while first[alike : alike + 2] == last[alike : alike + 2] != "":
        alike += 2
    return first[:alike]
