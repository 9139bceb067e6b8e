"""Subsidies: what a programme pays a provider for the orders that it has done for others in a period."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import Command, Event, Instant, Message, MoneyOrZero, Name, Page, Query, Text, View
from services.shared.messages.billing.claim import ClaimState, Evidence
from services.shared.messages.billing.programme import RuleResult
from services.shared.messages.billing.voucher import Finding

_PROVIDER: Grants = {"provider": frozenset({"provider_finance"})}
_REVIEWERS: Grants = {
    "operator": frozenset({"finance_operator", "administrator"}), "authority": frozenset({"authority"}),
}  # fmt: skip


class SubsidisedOrder(Message):
    """One that counts, with what is left of its price after refunds, and its papers by reference and hash."""

    order_id: UUID
    order_number: str
    accepted_at: Instant
    net: Money
    gross: Money
    evidence: tuple[Evidence, ...]


class LeftOut(Message):
    """One of the period that does not count, and by which rule."""

    order_id: UUID
    order_number: str
    rule: str


class SubsidyView(View):
    """
    Attributes:
        first_on, last_on: The period, both days included (Asia/Shanghai).
        net, gross: Sums of the orders that count; less after refunds.
        amount: What the programme pays on them.
        to_give_back: What was paid beyond that, because of refunds since.
        orders: That count; in lists none.
        results: Of each rule, when it was submitted last.
        reason: Why it was sent back or rejected.
    """

    subsidy_id: UUID
    number: str
    state: ClaimState
    programme_id: UUID
    provider_id: UUID
    first_on: date
    last_on: date
    net: Money
    gross: Money
    amount: Money
    paid: Money
    to_give_back: Money
    order_count: int
    orders: tuple[SubsidisedOrder, ...]
    left_out: tuple[LeftOut, ...]
    results: tuple[RuleResult, ...]
    findings: tuple[Finding, ...]
    reason: str
    submitted_at: Instant
    approved_at: Instant | None
    paid_at: Instant | None
    pack_sha256: str


class SubmitSubsidy(Command):
    """
    A provider claims for a period that is over. → SubsidyView

    Attributes:
        first_on: First day of a calendar quarter or half, as the programme says.
    """

    wire_name: ClassVar = "billing.submit_subsidy"
    grants: ClassVar[Grants] = _PROVIDER

    programme_id: UUID
    first_on: date


class ResubmitSubsidy(Command):
    """After it was sent back: the orders are gathered and the rules are run again. → SubsidyView"""

    wire_name: ClassVar = "billing.resubmit_subsidy"
    grants: ClassVar[Grants] = _PROVIDER

    subsidy_id: UUID


class ReviewSubsidy(Command):
    """
    Two levels of review by two persons, neither of whom submitted it. → SubsidyView

    A rejection is final and frees the orders; what the provider can mend is sent back.
    """

    wire_name: ClassVar = "billing.review_subsidy"
    grants: ClassVar[Grants] = _REVIEWERS

    subsidy_id: UUID
    decision: Literal["approve", "send_back", "reject"]
    reason: Text = ""


class RecordSubsidyPaid(Command):
    """The authority has paid the provider; nothing comes to our bank. → SubsidyView"""

    wire_name: ClassVar = "billing.record_subsidy_paid"
    grants: ClassVar[Grants] = _REVIEWERS

    subsidy_id: UUID
    reference: Name


class GetSubsidy(Query):
    """→ SubsidyView"""

    wire_name: ClassVar = "billing.get_subsidy"
    grants: ClassVar[Grants] = {"provider": frozenset(), **_REVIEWERS}

    subsidy_id: UUID


class ListSubsidies(Query):
    """A provider's own, those of an authority's programmes, or all for finance; newest first. → SubsidyPage"""

    wire_name: ClassVar = "billing.list_subsidies"
    grants: ClassVar[Grants] = {"self": frozenset(), "operator": frozenset({"finance_operator", "administrator"})}

    state: ClaimState | None = None
    programme_id: UUID | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class SubsidyPage(Page):
    items: tuple[SubsidyView, ...]


class GetSubsidyPack(Query):
    """The summary of the orders and the list of their evidence in one file. → ClaimPack"""

    wire_name: ClassVar = "billing.get_subsidy_pack"
    grants: ClassVar[Grants] = {"provider": frozenset(), **_REVIEWERS}

    subsidy_id: UUID


class _SubsidyEvent(Event):
    source: ClassVar = "billing"
    stream_of: ClassVar = ("subsidy", "subsidy_id")

    subsidy_id: UUID
    number: str
    programme_id: UUID
    party_id: UUID
    first_on: date
    last_on: date
    amount: MoneyOrZero


class SubsidySubmitted(_SubsidyEvent):
    """A provider claims for a period; also again, after it was sent back."""

    wire_name: ClassVar = "subsidy.submitted.v1"

    order_count: int


class SubsidySentBack(_SubsidyEvent):
    """The provider is to mend it."""

    wire_name: ClassVar = "subsidy.sent_back.v1"

    reason: Text


class SubsidyApproved(_SubsidyEvent):
    """The programme will pay."""

    wire_name: ClassVar = "subsidy.approved.v1"


class SubsidyRejected(_SubsidyEvent):
    """The programme will not pay."""

    wire_name: ClassVar = "subsidy.rejected.v1"

    reason: Text


class SubsidyPaid(_SubsidyEvent):
    """The authority has paid the provider."""

    wire_name: ClassVar = "subsidy.paid.v1"

    reference: str


class SubsidyReduced(_SubsidyEvent):
    """A refund leaves less to subsidise; *to_give_back*: what was paid beyond that, of all refunds so far."""

    wire_name: ClassVar = "subsidy.reduced.v1"

    reduced_by: Money
    to_give_back: MoneyOrZero
