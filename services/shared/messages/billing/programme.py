"""Programmes: public money for a part of an order (vouchers), or of what a provider did in a period (subsidies)."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import (
    BasisPoints,
    Code,
    Command,
    Event,
    Instant,
    Message,
    MoneyOrZero,
    Name,
    Page,
    PositiveMoney,
    Query,
    View,
)
from services.shared.messages.billing.commission_plan import FINANCE

ProgrammeSide = Literal["customer", "provider"]
"""Who is helped: a customer by vouchers for its orders, or a provider by a subsidy over a period."""
RedeemTo = Literal["customer", "provider", "company", "prefunded"]
ShortfallPayer = Literal["customer", "provider", "company"]
HolderKind = Literal["enterprise", "sole_trader", "university", "research_institute", "public_institution", "other"]
CheckKind = Literal[
    "same_organisation", "same_credit_code", "declared_control", "declared_shareholder", "same_bank_account",
    "same_address", "same_phone", "repeated_report", "price_above_list",
]  # fmt: skip
Severity = Literal["block", "review", "ignore"]
Period = Literal["quarter", "half_year"]
AuthorityReviews = Literal["either", "second", "both"]
"""Which of the two reviews only the authority's own people decide; *either*: they or the company's finance, both."""
RuleOutcome = Literal["passed", "limited", "failed"]

Minor = Annotated[int, Field(ge=0, le=10**14)]
"""Minor units of the programme's currency."""
Region = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
"""An administrative division (GB/T 2260); what lies in it counts too: 330000 is all of Zhejiang."""
Figure = int | str


class Tier(Message):
    """*rate_bps* of the base up to *up_to*; none: without end. The tiers rise, and the last has no end."""

    up_to: Minor | None = None
    rate_bps: BasisPoints


class Check(Message):
    """What a finding of this kind does: it stops the voucher, asks for a person, or nothing."""

    kind: CheckKind
    severity: Severity


class Rules(Message):
    """
    What a programme pays, to whom, for what and how. Amounts in minor units of its currency.

    Attributes:
        base: What the rate is of: the order's price without VAT or with it.
        tier_mode: *marginal*: each tier's rate on its part of the base; *whole*: the rate of the tier that the
            base falls into, on all of it.
        cap_order: Most for an order; for a subsidy, for a claim.
        cap_holder_year: Most for one holder in a calendar year (Asia/Shanghai).
        min_own_payment: What the holder pays itself at least, of the gross; the higher of amount and rate counts.
        rounding_unit: Amounts are multiples of this: 100 is whole yuan.
        regions: Where the holder must be registered; none: anywhere.
        offering_classes: Beginnings of the instrument class (GB/T 32847) of which every line must be; none: any.
        use_until: Last day on which an order may be signed with it; none: without end.
        claim_days: After acceptance, until the claim must be made.
        claim_until: Last day for any claim; none: without end.
        shortfall_payer: Who bears what the authority refuses in the end; frozen with the reservation.
        shortfall_days: How long they have to pay it.
        checks: Kinds that are not named ask for a person.
        price_tolerance_bps: How far above the price list a line may be before it is a finding.
        four_eyes_above: A grant above this needs a second person.
        authority_reviews: Which reviews of a claim are the authority's alone.
        period: Of a subsidy: what one claim is over; calendar quarters or halves (Asia/Shanghai). None: vouchers.
        min_base: Of a subsidy: a period with a smaller base is paid nothing.
        automatic: A claim for which every rule holds is approved without a person.
    """

    base: Literal["net", "gross"]
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1, max_length=20)]
    tier_mode: Literal["marginal", "whole"] = "marginal"
    cap_order: Minor | None = None
    cap_holder_year: Minor | None = None
    min_own_payment: Minor = 0
    min_own_payment_bps: BasisPoints = 0
    rounding: Literal["half_up", "down"] = "half_up"
    rounding_unit: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    holder_kinds: Annotated[tuple[HolderKind, ...], Field(min_length=1, max_length=6)]
    regions: Annotated[tuple[Region, ...], Field(max_length=200)] = ()
    offering_classes: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^[0-9]{2,6}$")], ...], Field(max_length=200)
    ] = ()
    use_until: date | None = None
    claim_days: Annotated[int, Field(ge=1, le=1_000)] = 180
    claim_until: date | None = None
    redeem_to: RedeemTo
    shortfall_payer: ShortfallPayer
    shortfall_days: Annotated[int, Field(ge=0, le=365)] = 30
    checks: Annotated[tuple[Check, ...], Field(max_length=9)] = ()
    price_tolerance_bps: Annotated[int, Field(ge=0, le=100_000)] = 2_000
    four_eyes_above: Minor = 0
    automatic: bool = False
    authority_reviews: AuthorityReviews = "either"
    period: Period | None = None
    min_base: Minor = 0


class RuleResult(Message):
    """How one rule came out, with the figures that it was about: *limited*: it took a part away."""

    rule: str
    outcome: RuleOutcome
    figures: dict[str, Figure]


class ProgrammeVersion(Message):
    """In force from *valid_from* until the next one's; orders keep the one they reserved under."""

    programme_version_id: UUID
    valid_from: Instant
    rules: Rules


class ProgrammeView(View):
    """
    Versions newest first.

    Attributes:
        number: What the authority states when it sends money for the programme.
        committed: Of the budget, reserved and spent.
        funded: What came in ahead, for a pre-funded programme, less what is released to go back.
    """

    programme_id: UUID
    number: str
    code: str
    title_zh: str
    title_en: str
    authority_id: UUID
    side: ProgrammeSide
    budget: Money
    committed: Money
    funded: Money
    versions: tuple[ProgrammeVersion, ...]


class PublishProgramme(Command):
    """
    A new programme, or from *valid_from* on other rules and another budget for the one with this code. → ProgrammeView

    Side, authority and currency stay as they were first published.
    """

    wire_name: ClassVar = "billing.publish_programme"
    grants: ClassVar[Grants] = FINANCE

    code: Code
    title_zh: Name
    title_en: Name
    authority_id: UUID
    side: ProgrammeSide
    budget: PositiveMoney
    valid_from: Instant
    rules: Rules


class ReleaseProgrammeFunds(Command):
    """
    What is neither spent nor promised of the money that came ahead is to go back to the authority. → ProgrammeView

    It is then owed to the programme as what it has paid too much of, and goes back by RequestProgrammePayback.
    """

    wire_name: ClassVar = "billing.release_programme_funds"
    grants: ClassVar[Grants] = FINANCE

    programme_id: UUID
    amount: PositiveMoney


class GetProgramme(Query):
    """Rules are public. → ProgrammeView"""

    wire_name: ClassVar = "billing.get_programme"
    grants: ClassVar[Grants] = {"anyone": frozenset()}

    programme_id: UUID


class ListProgrammes(Query):
    """→ ProgrammePage, by code"""

    wire_name: ClassVar = "billing.list_programmes"
    grants: ClassVar[Grants] = {"anyone": frozenset()}

    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ProgrammePage(Page):
    items: tuple[ProgrammeView, ...]


class ProgrammePublished(Event):
    """Rules of a programme from *valid_from* on."""

    wire_name: ClassVar = "programme.published.v1"
    source: ClassVar = "billing"
    stream_of: ClassVar = ("programme", "programme_id")

    programme_id: UUID
    number: str
    code: str
    authority_id: UUID
    side: ProgrammeSide
    budget: MoneyOrZero
    programme_version_id: UUID
    valid_from: Instant
    rules: Rules
