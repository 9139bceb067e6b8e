"""
A subsidy: what a programme pays a provider for the orders that it has done for others in a period.

The provider claims once for a period, over what is left of its accepted orders; which of them count is a rule with a
result, like each other. Two review it. The authority pays the provider itself, so our ledger sees nothing of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from services.billing.domain.claim import LIFECYCLE, ClaimState, Evidence, Reviewed
from services.billing.domain.programme import (
    Left,
    Period,
    RuleResult,
    Rules,
    amount_on,
    kind_fits,
    region_of,
    within,
)
from services.billing.domain.related_party import Finding
from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.times import end_of_business_day

_MONTHS: dict[Period, int] = {"quarter": 3, "half_year": 6}
_LAST_MONTH = 12


class PeriodUnknown(Invalid):
    """No period of this programme begins on that day."""

    code = "billing.subsidy_period_unknown"


class PeriodNotOver(Conflict):
    """The period is not over yet."""

    code = "billing.subsidy_period_not_over"


class SubsidyExists(Conflict):
    """The period is claimed already."""

    code = "billing.subsidy_exists"


class NothingToSubsidise(Conflict):
    """The rules give nothing for this period; the facts name those that failed."""

    code = "billing.nothing_to_subsidise"


@dataclass(frozen=True)
class Candidate:
    """
    An order that the provider has done in the period. Amounts in minor units, of what is left of it.

    Attributes:
        classes: Instrument class of each line's offering; empty text: not known.
        internal: For the provider's own people, from project funds.
        counted: A subsidy has it already, of whichever programme.
        findings: Signs that customer and provider are the same hands.
    """

    order_id: UUID
    order_number: str
    customer_id: UUID
    accepted_at: datetime
    net: int
    gross: int
    classes: tuple[str, ...]
    internal: bool
    counted: bool
    evidence: tuple[Evidence, ...] = ()
    findings: tuple[Finding, ...] = ()

    def left_out_by(self, rules: Rules) -> str:
        """The first rule by which it does not count; empty: it does."""
        known = rules.offering_classes
        in_class = not known or (
            bool(self.classes) and all(any(each.startswith(start) for start in known) for each in self.classes)
        )
        asked = (
            ("shared", not self.internal),
            ("no_stacking", not self.counted),
            ("related_party", all(each.severity != "block" for each in self.findings)),
            ("offering_class", in_class),
            ("something_left", self.net > 0),
        )
        return next((rule for rule, holds in asked if not holds), "")


@dataclass(frozen=True)
class SubsidisedOrder:
    """One that counts; *net*, *gross* in minor units, less after a refund."""

    order_id: UUID
    order_number: str
    customer_id: UUID
    accepted_at: datetime
    net: int
    gross: int
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class LeftOut:
    """One of the period that does not count, and the rule by which."""

    order_id: UUID
    order_number: str
    rule: str


@dataclass
class Subsidy(Reviewed):
    """
    Amounts in minor units of *currency*.

    Attributes:
        first_on, last_on: The period, both days included, Asia/Shanghai.
        year: Whose cap for the provider it counts against: that of the period.
        left: What was left of budget and year when it was claimed, frozen with the version.
        net, gross: Sums of the orders that count; less after refunds.
        amount: What the programme pays by them.
        paid: What it has paid; more than *amount* after a refund.
    """

    subsidy_id: UUID
    number: str
    state: ClaimState
    programme_id: UUID
    programme_version_id: UUID
    provider_id: UUID
    currency: str
    first_on: date
    last_on: date
    year: int
    left: Left
    submitted_at: datetime
    submitted_by: str
    net: int = 0
    gross: int = 0
    amount: int = 0
    order_count: int = 0
    left_out: tuple[LeftOut, ...] = ()
    results: tuple[RuleResult, ...] = ()
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    first_reviewed_by: str = ""
    second_reviewed_by: str = ""
    approved_at: datetime | None = None
    paid: int = 0
    paid_at: datetime | None = None
    paid_reference: str = ""
    pack_key: str | None = None
    pack_sha256: str = ""
    pack_size: int = 0
    version: int = 0

    @property
    def to_give_back(self) -> int:
        """What the provider has of the programme beyond what remains, because of refunds; minor units."""
        return max(0, self.paid - self.amount)

    def reject(self, by: str, reason: str) -> None:
        """The programme will not pay. Raises WrongState, SameHands, ReasonRequired."""
        self.refuse("reject", by, reason)

    def pay(self, reference: str, now: datetime) -> None:
        """The authority has paid the provider. Raises WrongState, NothingToSubsidise: Refunds have left nothing."""
        state = LIFECYCLE.after("pay", self.state)
        if not self.amount:
            raise NothingToSubsidise(rules=["something_left"])
        self.state, self.paid, self.paid_reference, self.paid_at = state, self.amount, reference, now

    def lower(self, rules: Rules, net: int, gross: int) -> int:
        """
        One of its orders is refunded by *net* and *gross* (minor units).

        Returns:
            By how much less the programme pays: the same rules on what remains, never more than stands.
        """
        before = self.amount
        self.net, self.gross = self.net - net, self.gross - gross
        self.amount = min(before, subsidy_on(rules, self.net, self.gross, self.left)[0])
        return before - self.amount


def period_from(rules: Rules, first_on: date) -> date:
    """
    The last day of the period that begins on *first_on*.

    Raises:
        PeriodUnknown: None does.
    """
    months = _MONTHS[rules.period] if rules.period is not None else 0
    if not months or first_on.day != 1 or (first_on.month - 1) % months or first_on.year == date.max.year:
        raise PeriodUnknown(period=rules.period or "")
    years, month = divmod(first_on.month - 1 + months, _LAST_MONTH)
    return date(first_on.year + years, month + 1, 1) - timedelta(days=1)


def claim_deadline(rules: Rules, last_on: date) -> datetime:
    """Before this the period that ends on *last_on* must be claimed."""
    by_days = end_of_business_day(last_on + timedelta(days=rules.claim_days))
    return by_days if rules.claim_until is None else min(by_days, end_of_business_day(rules.claim_until))


def subsidy_on(rules: Rules, net: int, gross: int, left: Left) -> tuple[int, tuple[RuleResult, ...]]:
    """What the programme pays on a period's *net* and *gross* (minor units), and how each rule came out."""
    base = net if rules.base == "net" else gross
    enough = base >= rules.min_base
    amount, results = amount_on(rules, net, gross, left)
    found = RuleResult("min_base", "passed" if enough else "failed", {"base": base, "least": rules.min_base})
    return amount if enough else 0, (found, *results)


def holder_results(rules: Rules, code: str) -> tuple[RuleResult, ...]:
    """Whether the programme helps a provider with this credit code, by kind and by where it is registered."""
    region = region_of(code)
    return (
        _held("holder_kind", any(kind_fits(kind, code) for kind in rules.holder_kinds), code=code[:2]),
        _held("region", not rules.regions or any(within(region, each) for each in rules.regions), region=region),
    )


def order_results(orders: Sequence[SubsidisedOrder], found: Iterable[Finding]) -> tuple[RuleResult, ...]:
    """What the reviewers look at: papers that are not there, and signs that want a person."""
    without = [each.order_number for each in orders if not _has_report(each)]
    doubtful = sorted({each.kind for each in found if each.severity == "review"})
    return (
        _held("reports_have_hashes", not without, orders=len(orders), without=", ".join(without[:20])),
        _held("no_findings", not doubtful, findings=", ".join(doubtful)),
    )


def _has_report(order: SubsidisedOrder) -> bool:
    hashes = [each.sha256 for each in order.evidence if each.kind == "report"]
    return bool(hashes) and all(hashes)


def _held(rule: str, holds: object, **figures: int | str) -> RuleResult:
    return RuleResult(rule, "passed" if holds else "failed", figures)
