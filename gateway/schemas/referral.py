"""Referrals by stations."""

from datetime import date
from typing import Literal
from uuid import UUID

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.messages.base import Instant, Name, Text
from services.shared.messages.billing.referral import EvidenceFile, EvidenceState, ReferralState


class Referral(Shown):
    """*upload_url*: where to PUT the declared file, for 15 minutes; only in the answer to the claim."""

    referral_id: UUID
    station_id: UUID
    customer_id: UUID
    state: ReferralState
    evidence: str
    touched_on: date | None
    evidence_file: EvidenceState
    evidence_problem: str
    upload_url: str | None
    claimed_at: Instant
    protected_until: Instant | None
    reason: str


class ReferralCase(Shown):
    """*rivals*, *customer_since*: for the operating company only, which decides between stations by them."""

    referral: Referral
    rivals: tuple[Referral, ...]
    customer_since: Instant | None


class EvidenceDocument(Shown):
    """*url* holds for five minutes."""

    url: str
    sha256: str
    size_bytes: int


class ReferralsListed(Listed):
    """Which page."""


class ReferralPage(Shown):
    items: tuple[Referral, ...]
    next_cursor: str | None


class ReferralToClaim(Schema):
    customer_id: UUID
    evidence: Name
    touched_on: date | None = None
    file: EvidenceFile | None = None


class ReferralDecision(Schema):
    """*refuse_others*: other open claims on this customer are refused with the same reason, earlier ones too."""

    decision: Literal["confirm", "refuse"]
    refuse_others: bool = False
    reason: Text = ""


class ReferralRevocation(Schema):
    reason: Name
