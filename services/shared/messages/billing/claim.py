"""Claims: asking a programme's authority for its part of accepted work, with the evidence for it."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import Command, Event, Instant, Message, Name, Page, Query, Text, View
from services.shared.messages.billing.programme import RedeemTo, RuleResult, ShortfallPayer
from services.shared.messages.billing.voucher import Finding

ClaimState = Literal["submitted", "first_reviewed", "approved", "sent_back", "rejected", "paid"]
EvidenceKind = Literal["quotation", "contract", "report", "invoice", "receipt", "acceptance"]

_CLAIMANTS: Grants = {
    "customer": frozenset({"approver", "customer_finance"}),
    "provider": frozenset({"provider_finance"}),
    "operator": frozenset({"finance_operator", "administrator"}),
}
_REVIEWERS: Grants = {
    "operator": frozenset({"finance_operator", "administrator"}), "authority": frozenset({"authority"}),
}  # fmt: skip


class Evidence(Message):
    """
    One paper, by reference: the file lies with its owner, and whoever gets it compares the hash.

    Attributes:
        sha256: Of the file; empty for facts that are no files (receipt, acceptance, quotation).
    """

    kind: EvidenceKind
    reference: UUID
    number: str
    sha256: str
    at: Instant


class ClaimView(View):
    """
    Attributes:
        amount: What is claimed.
        paid: What came; zero until it is paid.
        results: Of each rule, when it was submitted last.
        automatic: Approved without a person, because every rule held.
        reason: Why it was sent back or rejected.
        due_on: By when whoever bears a rejected claim pays it.
    """

    claim_id: UUID
    number: str
    state: ClaimState
    programme_id: UUID
    claimant_id: UUID
    redeem_to: RedeemTo
    order_id: UUID
    order_number: str
    voucher_id: UUID
    amount: Money
    paid: Money
    evidence: tuple[Evidence, ...]
    results: tuple[RuleResult, ...]
    findings: tuple[Finding, ...]
    automatic: bool
    reason: str
    submitted_at: Instant
    approved_at: Instant | None
    paid_at: Instant | None
    due_on: date | None
    pack_sha256: str


class SubmitClaim(Command):
    """
    Claim the programme's part of an accepted order. → ClaimView

    By whom the programme pays: the customer, the provider, or the operating company.
    """

    wire_name: ClassVar = "billing.submit_claim"
    grants: ClassVar[Grants] = _CLAIMANTS

    voucher_id: UUID
    order_id: UUID


class ResubmitClaim(Command):
    """After it was sent back: the evidence is gathered and the rules are run again. → ClaimView"""

    wire_name: ClassVar = "billing.resubmit_claim"
    grants: ClassVar[Grants] = {
        "self": frozenset({"approver", "customer_finance", "provider_finance"}), "operator": _CLAIMANTS["operator"],
    }  # fmt: skip

    claim_id: UUID


class ReviewClaim(Command):
    """
    Two levels of review by two persons, neither of whom submitted it. → ClaimView

    A rejection is final; what a claimant can mend is sent back.
    """

    wire_name: ClassVar = "billing.review_claim"
    grants: ClassVar[Grants] = _REVIEWERS

    claim_id: UUID
    decision: Literal["approve", "send_back", "reject"]
    reason: Text = ""


class RecordClaimPaid(Command):
    """The authority paid the customer or the provider itself: nothing comes to our bank. → ClaimView"""

    wire_name: ClassVar = "billing.record_claim_paid"
    grants: ClassVar[Grants] = _REVIEWERS

    claim_id: UUID
    reference: Name


class GetClaim(Query):
    """→ ClaimView"""

    wire_name: ClassVar = "billing.get_claim"
    grants: ClassVar[Grants] = {"self": frozenset(), **_REVIEWERS}

    claim_id: UUID


class ListClaims(Query):
    """Those one has made, an authority's programmes', or all for finance; newest first. → ClaimPage"""

    wire_name: ClassVar = "billing.list_claims"
    grants: ClassVar[Grants] = {"self": frozenset(), "operator": frozenset({"finance_operator", "administrator"})}

    state: ClaimState | None = None
    programme_id: UUID | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ClaimPage(Page):
    items: tuple[ClaimView, ...]


class GetClaimPack(Query):
    """The evidence in one file. → ClaimPack"""

    wire_name: ClassVar = "billing.get_claim_pack"
    grants: ClassVar[Grants] = {"self": frozenset(), **_REVIEWERS}

    claim_id: UUID


class ClaimPack(View):
    """*url*: for a short time; none until it is made."""

    url: str | None
    sha256: str
    size_bytes: int
    filename: str


class _ClaimEvent(Event):
    source: ClassVar = "billing"
    stream_of: ClassVar = ("claim", "claim_id")

    claim_id: UUID
    number: str
    programme_id: UUID
    party_id: UUID
    order_id: UUID
    order_number: str
    amount: Money


class ClaimSubmitted(_ClaimEvent):
    """The authority is asked; *automatic*: every rule held and it is approved already."""

    wire_name: ClassVar = "claim.submitted.v1"

    automatic: bool


class ClaimSentBack(_ClaimEvent):
    """The claimant is to mend it."""

    wire_name: ClassVar = "claim.sent_back.v1"

    reason: Text


class ClaimApproved(_ClaimEvent):
    """The programme will pay."""

    wire_name: ClassVar = "claim.approved.v1"


class ClaimRejected(_ClaimEvent):
    """The programme will not pay: *shortfall_payer* bears it, by *due_on*."""

    wire_name: ClassVar = "claim.rejected.v1"

    reason: Text
    shortfall_payer: ShortfallPayer
    due_on: date


class ClaimPaid(_ClaimEvent):
    """The programme has paid."""

    wire_name: ClassVar = "claim.paid.v1"

    paid: Money
    reference: str
