"""
A programme: public money that pays a part of an order, by rules that are data; and what they come to for one order.

Rules change from an instant on and are never overwritten. Whoever reserves freezes the version and what was left then,
so that the amount can be computed again, on what remains, years later.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.money import Money
from services.shared.kernel.rate import share
from services.shared.kernel.times import business_date

ProgrammeSide = Literal["customer", "provider"]
RedeemTo = Literal["customer", "provider", "company", "prefunded"]
ShortfallPayer = Literal["customer", "provider", "company"]
HolderKind = Literal["enterprise", "sole_trader", "university", "research_institute", "public_institution", "other"]
CheckKind = Literal[
    "same_organisation", "same_credit_code", "declared_control", "declared_shareholder", "same_bank_account",
    "same_address", "same_phone", "repeated_report", "price_above_list",
]  # fmt: skip
AuthorityReviews = Literal["either", "second", "both"]
Period = Literal["quarter", "half_year"]
Severity = Literal["block", "review", "ignore"]
RuleOutcome = Literal["passed", "limited", "failed"]

# Positions 1-2 of a unified social credit code say what an organisation is (GB 32100-2015, table 1). A university or
# an institute is a public institution (12), or a private non-enterprise unit (52).
_KINDS_OF_CODE: dict[str, tuple[HolderKind, ...]] = {
    "91": ("enterprise",),
    "92": ("sole_trader",),
    "12": ("university", "research_institute", "public_institution"),
    "52": ("university", "research_institute", "other"),
}


class RulesContradict(Invalid):
    """These rules cannot be applied."""

    code = "billing.programme_rules_contradict"


class ProgrammeContradicts(Conflict):
    """Side, authority and currency of a programme stay as they were first published."""

    code = "billing.programme_contradicts"


class VersionExists(Conflict):
    """Other rules of this programme are valid from the same instant."""

    code = "billing.programme_version_exists"


class BudgetCommitted(Conflict):
    """More of the budget is reserved or spent than the new one holds."""

    code = "billing.programme_budget_committed"


class FundsPromised(Conflict):
    """Of the money that came ahead less is left than that: the rest is promised or spent."""

    code = "billing.programme_funds_promised"


class WrongSide(Conflict):
    """This programme helps the other side: vouchers are for customers, subsidies over a period for providers."""

    code = "billing.programme_wrong_side"


class NotAnAuthority(Conflict):
    """Who pays a programme is registered as an authority, and verified."""

    code = "billing.not_an_authority"


class NotInForce(Conflict):
    """No rules of this programme are in force."""

    code = "billing.programme_not_in_force"


@dataclass(frozen=True, slots=True)
class Tier:
    """*rate_bps* of the base up to *up_to* (minor units); none: without end."""

    up_to: int | None
    rate_bps: int


@dataclass(frozen=True)
class Rules:
    """Amounts in minor units of the programme's currency. What each means: `messages/billing/programme.py`."""

    base: Literal["net", "gross"]
    tiers: tuple[Tier, ...]
    redeem_to: RedeemTo
    shortfall_payer: ShortfallPayer
    holder_kinds: tuple[HolderKind, ...]
    tier_mode: Literal["marginal", "whole"] = "marginal"
    cap_order: int | None = None
    cap_holder_year: int | None = None
    min_own_payment: int = 0
    min_own_payment_bps: int = 0
    rounding: Literal["half_up", "down"] = "half_up"
    rounding_unit: int = 1
    regions: tuple[str, ...] = ()
    offering_classes: tuple[str, ...] = ()
    use_until: date | None = None
    claim_days: int = 180
    claim_until: date | None = None
    shortfall_days: int = 30
    checks: tuple[tuple[CheckKind, Severity], ...] = ()
    price_tolerance_bps: int = 2_000
    four_eyes_above: int = 0
    automatic: bool = False
    authority_reviews: AuthorityReviews = "either"
    period: Period | None = None
    min_base: int = 0

    def __post_init__(self) -> None:
        """Raises RulesContradict."""
        *bounded, last = self.tiers
        ends = [tier.up_to for tier in bounded if tier.up_to is not None]
        if last.up_to is not None or len(ends) < len(bounded) or ends != sorted(set(ends)) or 0 in ends:
            raise RulesContradict("tiers must rise, and only the last has no end", problem="tiers")
        if self.redeem_to == "provider" and self.shortfall_payer != "provider":
            raise RulesContradict("a provider that is paid by the programme bears what it is not paid", problem="route")
        if len({kind for kind, _ in self.checks}) < len(self.checks):
            raise RulesContradict("a kind of check is named twice", problem="checks")

    def check_side(self, side: ProgrammeSide) -> None:
        """
        A subsidy is for a period, the authority pays it to the provider itself, and people review it.

        Raises:
            RulesContradict: These rules are for the other *side*.
        """
        paid_directly = self.redeem_to == "provider" and not self.automatic
        if side == "provider" and not (self.period is not None and paid_directly):
            raise RulesContradict("a subsidy has a period, is paid to the provider and reviewed", problem="side")
        if side == "customer" and (self.period is not None or self.min_base):
            raise RulesContradict("vouchers are claimed order by order", problem="side")

    def severity(self, kind: CheckKind) -> Severity:
        """What a finding of *kind* does; one that nobody thought of is for a person."""
        return dict(self.checks).get(kind, "review")


@dataclass(frozen=True)
class ProgrammeVersion:
    """In force from *valid_from* until the next one's; never changed."""

    programme_version_id: UUID
    programme_id: UUID
    valid_from: datetime
    rules: Rules
    published_at: datetime


@dataclass
class Programme:
    """
    Attributes:
        number: What the authority states when it sends money for the programme.
        budget: Most that may be reserved and spent together; minor units of *currency*.
        committed: What is.
        funded: What came in ahead, for a pre-funded programme, less what is released to go back.
    """

    programme_id: UUID
    number: str
    code: str
    title_zh: str
    title_en: str
    authority_id: UUID
    side: ProgrammeSide
    currency: str
    budget: int
    opened_at: datetime
    committed: int = 0
    funded: int = 0

    def left(self, rules: Rules, awaited: int) -> int:
        """
        Of the budget; of a pre-funded programme what has come in, if that is less.

        *awaited*: what refunds will give back to the fund, and have not yet; minor units.
        """
        of_budget = self.budget - self.committed
        return min(of_budget, self._left_of_funds(awaited)) if rules.redeem_to == "prefunded" else of_budget

    def _left_of_funds(self, awaited: int) -> int:
        return self.funded - self.committed - awaited

    def publish(self, title_zh: str, title_en: str, authority_id: UUID, side: ProgrammeSide, currency: str,
                budget: int) -> None:  # fmt: skip
        """
        New rules come with a budget and titles.

        Raises:
            ProgrammeContradicts: Another side, authority or currency.
            BudgetCommitted: More is promised already.
        """
        if (authority_id, side, currency) != (self.authority_id, self.side, self.currency):
            raise ProgrammeContradicts
        if budget < self.committed:
            raise BudgetCommitted(committed_minor=self.committed)
        self.title_zh, self.title_en, self.budget = title_zh, title_en, budget

    def release_funds(self, amount: Money, awaited: int) -> None:
        """*amount* of what came in ahead is to go back; *awaited* as in `left`. Raises FundsPromised."""
        left = self._left_of_funds(awaited) if amount.currency == self.currency else 0
        if amount.amount > left:
            raise FundsPromised(left_minor=max(0, left))
        self.funded -= amount.amount


@dataclass(frozen=True, slots=True)
class Left:
    """
    What was left when it was reserved; none: no limit.

    Attributes:
        year: Of the holder's cap for the year.
        voucher: Of what was granted.
    """

    budget: int
    year: int | None = None
    voucher: int | None = None


@dataclass(frozen=True)
class Case:
    """
    What the rules are asked about. Amounts in minor units.

    Attributes:
        on: The instant at which it is used.
        holder_kind: As granted.
        holder_code: Unified social credit code; says where the holder is registered.
        classes: Instrument class of each line's offering; empty text: not known.
        taken: Another voucher is on the order.
        findings: Of the related-party checks, with what each does.
    """

    net: int
    gross: int
    on: datetime
    holder_kind: HolderKind
    holder_code: str
    classes: tuple[str, ...] = ()
    taken: bool = False
    findings: tuple[tuple[CheckKind, Severity], ...] = ()


@dataclass(frozen=True, slots=True)
class RuleResult:
    """*figures*: what the rule compared, in minor units where they are amounts."""

    rule: str
    outcome: RuleOutcome
    figures: dict[str, int | str]


@dataclass(frozen=True)
class Estimate:
    """*amount*: V, in minor units; 0 where a rule failed."""

    amount: int
    results: tuple[RuleResult, ...]

    @property
    def failed(self) -> list[str]:
        return [result.rule for result in self.results if result.outcome == "failed"]


def region_of(credit_code: str) -> str:
    """Where an organisation is registered: positions 3-8 of its code (GB 32100-2015), a division of GB/T 2260."""
    return credit_code[2:8]


def within(region: str, division: str) -> bool:
    """Whether *region* is *division* or lies in it: 330106 lies in 330100 and in 330000."""
    meaningful = division
    while meaningful.endswith("00"):
        meaningful = meaningful[:-2]
    return region.startswith(meaningful)


def kind_fits(kind: HolderKind, credit_code: str) -> bool:
    """Whether an organisation with this code can be of *kind*; what the code does not tell is *other*."""
    return kind in _KINDS_OF_CODE.get(credit_code[:2], ("other",))


def amount_by_rate(rules: Rules, base: int) -> int:
    """What the tiers give of *base* (minor units, zero or more), rounded as the programme rounds."""
    if rules.tier_mode == "whole":
        tier = next(tier for tier in rules.tiers if tier.up_to is None or base <= tier.up_to)
        ten_thousandths = base * tier.rate_bps
    else:
        ten_thousandths, below = 0, 0
        for tier in rules.tiers:
            upto = base if tier.up_to is None else min(base, tier.up_to)
            ten_thousandths += max(0, upto - below) * tier.rate_bps
            below = max(below, upto)
    # Rounded once, at the end: each tier rounded by itself could sum to more than the whole.
    unit = rules.rounding_unit * 10_000
    half = unit // 2 if rules.rounding == "half_up" else 0
    return (ten_thousandths + half) // unit * rules.rounding_unit


def amount_on(rules: Rules, net: int, gross: int, left: Left) -> tuple[int, tuple[RuleResult, ...]]:
    """
    V on *net* and *gross* (minor units), and what each rule of amounts did to it.

    The same for an order, for what remains of it after a refund, and for a period's revenue; of what was frozen with
    the reservation nothing is looked up again.
    """
    base = net if rules.base == "net" else gross
    amount = amount_by_rate(rules, base)
    results = [RuleResult("rate", "passed", {"base": base, "amount": amount})]
    own = max(rules.min_own_payment, share(gross, rules.min_own_payment_bps))
    limits: tuple[tuple[str, int | None], ...] = (
        ("cap_order", rules.cap_order),
        ("cap_holder_year", left.year),
        ("programme_budget", left.budget),
        ("voucher_left", left.voucher),
        ("min_own_payment", max(0, gross - own)),
    )
    for rule, limit in limits:
        if limit is None:
            continue
        limited = amount > limit
        results.append(RuleResult(rule, "limited" if limited else "passed", {"limit": limit, "wanted": amount}))
        amount = min(amount, limit)
    # Whatever limited it, it stays a multiple of the unit; downwards, or a limit would be passed.
    amount = amount // rules.rounding_unit * rules.rounding_unit
    return amount, tuple(results)


def estimate(rules: Rules, case: Case, left: Left) -> Estimate:
    """
    What the programme pays in *case*, with the result of each rule.

    Every rule is answered even when one has failed, so that whoever asks learns all of it at once.
    """
    on = business_date(case.on)
    region = region_of(case.holder_code)
    in_region = not rules.regions or any(within(region, division) for division in rules.regions)
    strange = [
        each for each in case.classes
        if rules.offering_classes and not any(each.startswith(known) for known in rules.offering_classes)
    ]  # fmt: skip
    classified = bool(case.classes) or not rules.offering_classes
    blocking = [kind for kind, severity in case.findings if severity == "block"]
    amount, amounts = amount_on(rules, case.net, case.gross, left)
    results = (
        _held(
            "use_deadline", rules.use_until is None or on <= rules.use_until,
            on=on.isoformat(), until=rules.use_until.isoformat() if rules.use_until else "",
        ),
        _held(
            "holder_kind", case.holder_kind in rules.holder_kinds and kind_fits(case.holder_kind, case.holder_code),
            kind=case.holder_kind,
        ),
        _held("region", in_region, region=region),
        _held("offering_class", classified and not strange, outside=", ".join(strange)),
        _held("no_stacking", not case.taken),
        _held("related_party", not blocking, findings=", ".join(blocking)),
        *amounts,
        _held("something_left", amount > 0, amount=amount),
    )  # fmt: skip
    holds = all(result.outcome != "failed" for result in results)
    return Estimate(amount if holds else 0, results)


def _held(rule: str, holds: object, **figures: int | str) -> RuleResult:
    return RuleResult(rule, "passed" if holds else "failed", figures)


def version_at(versions: tuple[ProgrammeVersion, ...], instant: datetime) -> ProgrammeVersion:
    """The one in force at *instant*. Raises NotInForce: None is yet."""
    in_force = [version for version in versions if version.valid_from <= instant]
    if not in_force:
        raise NotInForce
    return max(in_force, key=lambda version: version.valid_from)
