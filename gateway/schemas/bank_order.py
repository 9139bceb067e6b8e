"""Bank orders and what the bank answers to them."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from gateway.schemas.base import Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import Instant
from services.shared.messages.billing.bank_order import BankOrderFormat


class BankOrderToMake(Schema):
    payout_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=200)]


class BankOrder(Shown):
    bank_order_id: UUID
    number: str
    format: BankOrderFormat
    count: int
    total: Money
    ordered_at: Instant
    written: bool


class BankOrderPage(Shown):
    items: tuple[BankOrder, ...]
    next_cursor: str | None


class StatusReportToRead(Schema):
    content: Annotated[str, StringConstraints(min_length=1, max_length=5_000_000)]


class OrderedPayment(Shown):
    payout_id: UUID | None
    refund_id: UUID | None
    credit_payback_id: UUID | None
    number: str
    status: str
    reason: str
    outcome: Literal["noted", "failed", "known", "contradicts"]


class StatusReport(Shown):
    """*bank_order_id*: none where it answers to the order of a refund, which *number* names."""

    bank_order_id: UUID | None
    number: str
    payments: tuple[OrderedPayment, ...]
