"""Claims to the authorities of programmes."""

from datetime import date
from typing import Literal
from uuid import UUID

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import Instant, Name, Text
from services.shared.messages.billing.claim import ClaimState, Evidence
from services.shared.messages.billing.programme import RedeemTo, RuleResult
from services.shared.messages.billing.voucher import Finding


class Claim(Shown):
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


class ClaimPage(Shown):
    items: tuple[Claim, ...]
    next_cursor: str | None


class ClaimsListed(Listed):
    state: ClaimState | None = None
    programme_id: UUID | None = None


class ClaimToSubmit(Schema):
    voucher_id: UUID
    order_id: UUID


class ClaimReview(Schema):
    decision: Literal["approve", "send_back", "reject"]
    reason: Text = ""


class ClaimPayment(Schema):
    """*reference*: of the authority's transfer to the customer or the provider."""

    reference: Name


class ClaimPack(Shown):
    url: str | None
    sha256: str
    size_bytes: int
    filename: str
