"""Subsidies of providers for a period."""

from datetime import date
from typing import Literal
from uuid import UUID

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import Instant, Name, Text
from services.shared.messages.billing.claim import ClaimState
from services.shared.messages.billing.programme import RuleResult
from services.shared.messages.billing.subsidy import LeftOut, SubsidisedOrder
from services.shared.messages.billing.voucher import Finding


class Subsidy(Shown):
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


class SubsidyPage(Shown):
    items: tuple[Subsidy, ...]
    next_cursor: str | None


class SubsidiesListed(Listed):
    state: ClaimState | None = None
    programme_id: UUID | None = None


class SubsidyToSubmit(Schema):
    """*first_on*: first day of a calendar quarter or half, as the programme says."""

    programme_id: UUID
    first_on: date


class SubsidyReview(Schema):
    decision: Literal["approve", "send_back", "reject"]
    reason: Text = ""


class SubsidyPayment(Schema):
    """*reference*: of the authority's transfer to the provider."""

    reference: Name
