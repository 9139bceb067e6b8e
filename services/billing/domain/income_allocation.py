"""
Income allocation (收入分配): which of a provider's colleges and instrument teams earned what stands on its statements.

The provider's own affair: nothing of it is booked, and nobody else sees it. A rule is for an offering, or for whatever
has none of its own; it holds for orders accepted from its day on, until the next one for the same.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.shared.kernel.errors import Invalid
from services.shared.kernel.money import allocate

WHOLE = 10_000


class SharesNotWhole(Invalid):
    """The shares are not 100 % together, or name a team twice."""

    code = "billing.income_shares_not_whole"


@dataclass(frozen=True, order=True)
class Unit:
    """A college (学院) and, where it is shared further, an instrument team (机组) of it; without names: no rule."""

    college: str = ""
    team: str = ""


@dataclass(frozen=True)
class IncomeAllocation:
    """
    Attributes:
        offering_id: None: for all work that no other rule is for.
        since: For orders accepted from the start of this day in Asia/Shanghai on.
        shares: In basis points, together 10,000.
    """

    allocation_id: UUID
    provider_id: UUID
    offering_id: UUID | None
    since: date
    shares: tuple[tuple[Unit, int], ...]
    set_at: datetime
    set_by: str

    def __post_init__(self) -> None:
        """Raises SharesNotWhole."""
        if sum(bps for _, bps in self.shares) != WHOLE or len({unit for unit, _ in self.shares}) < len(self.shares):
            raise SharesNotWhole


@dataclass(frozen=True)
class Part:
    """What *unit* has of an amount; minor units, below zero of a correction that takes away."""

    unit: Unit
    net: int
    tax: int


def in_force(rules: Iterable[IncomeAllocation], offering_id: UUID | None, on: date) -> IncomeAllocation | None:
    """The newest of the offering, else of all work; of two from the same day the one that was set last."""
    held = [rule for rule in rules if rule.since <= on and rule.offering_id in {offering_id, None}]
    return max(held, key=lambda rule: (rule.offering_id is not None, rule.since, rule.set_at), default=None)


def parts(
    net: int, tax: int, lines: Sequence[tuple[UUID | None, int]], rules: Sequence[IncomeAllocation], on: date
) -> tuple[Part, ...]:
    """
    What each unit has of *net* and *tax*, which the parts sum to exactly.

    Args:
        net: Minor units, below zero of a correction that takes away; *tax* likewise.
        tax: On top of it.
        lines: Of the order: offering and net price, by which its income is divided among them.
        rules: All of the provider.
        on: The day of the order's acceptance, in Asia/Shanghai.
    """
    weights: dict[Unit, int] = defaultdict(int)
    for offering_id, price in lines:
        rule = in_force(rules, offering_id, on)
        for unit, bps in rule.shares if rule is not None else ((Unit(), WHOLE),):
            weights[unit] += price * bps
    weighed = {unit: weight for unit, weight in weights.items() if weight} or {Unit(): 1}
    shares = zip(_signed(net, weighed), _signed(tax, weighed), strict=True)
    return tuple(Part(unit, *share) for unit, share in sorted(zip(weighed, shares, strict=True)))


def _signed(amount: int, weighed: Mapping[Unit, int]) -> list[int]:
    sign = -1 if amount < 0 else 1
    return [sign * part for part in allocate(abs(amount), list(weighed.values()))]
