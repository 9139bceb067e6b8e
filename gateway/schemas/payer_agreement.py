"""Agreements by which somebody else pays for a customer."""

from datetime import date
from uuid import UUID

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.messages.base import Instant, Name, Text
from services.shared.messages.billing.payer_agreement import PayerAgreementState


class PayerAgreement(Shown):
    payer_agreement_id: UUID
    customer_id: UUID
    payer_name: str
    payer_account: str
    evidence: str
    valid_from: date
    valid_until: date | None
    state: PayerAgreementState
    recorded_by: str
    decided_at: Instant | None
    decided_by: str
    ended_at: Instant | None
    ended_by: str


class PayerAgreementPage(Shown):
    items: tuple[PayerAgreement, ...]
    next_cursor: str | None


class PayerAgreementsListed(Listed):
    customer_id: UUID | None = None
    state: PayerAgreementState | None = None


class PayerAgreementToRecord(Schema):
    """*payer_account* empty: whatever account of its own it pays from; *valid_until* none: for good."""

    customer_id: UUID
    payer_name: Name
    payer_account: Text = ""
    evidence: Name
    valid_from: date
    valid_until: date | None = None


class PayerAgreementToEnd(Schema):
    """*last_day* in Asia/Shanghai, included; before its first day: it holds on none any more."""

    last_day: date
