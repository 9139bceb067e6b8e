"""Referrals by stations."""

from typing import Literal
from uuid import UUID

from gateway.schemas.base import Schema, Shown
from services.shared.messages.base import Instant, Name, Text
from services.shared.messages.billing.referral import ReferralState


class Referral(Shown):
    referral_id: UUID
    station_id: UUID
    customer_id: UUID
    state: ReferralState
    evidence: str
    claimed_at: Instant
    protected_until: Instant | None
    reason: str


class ReferralPage(Shown):
    items: tuple[Referral, ...]
    next_cursor: str | None


class ReferralToClaim(Schema):
    customer_id: UUID
    evidence: Name


class ReferralDecision(Schema):
    decision: Literal["confirm", "refuse"]
    reason: Text = ""
