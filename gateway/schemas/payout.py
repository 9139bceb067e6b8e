"""Payouts of settlements."""

from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from gateway.schemas.base import Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import Instant
from services.shared.messages.billing.payout import PayoutState
from services.shared.messages.billing.payout_channel import PayoutWay
from services.shared.messages.billing.settlement import PartyKind


class PayoutToStart(Schema):
    settlement_id: UUID


class PayoutToFail(Schema):
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Payout(Shown):
    payout_id: UUID
    number: str
    state: PayoutState
    settlement_id: UUID
    party_kind: PartyKind
    party_id: UUID
    amount: Money
    account_name: str
    account_number: str
    bank_name: str
    created_at: Instant
    released_at: Instant | None
    paid_at: Instant | None
    bank_order_id: UUID | None
    bank_status: str
    failure: str
    way: PayoutWay
    transfer_id: str


class PayoutPage(Shown):
    items: tuple[Payout, ...]
    next_cursor: str | None
