"""Customers' credit paid back to them."""

from uuid import UUID

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import Instant, PositiveMoney, Remark
from services.shared.messages.billing.credit_payback import CreditPaybackState


class CreditPaybackToRequest(Schema):
    """It goes to the customer's own account, which is known."""

    customer_id: UUID
    amount: PositiveMoney
    reason: Remark


class CreditPaybackToFail(Schema):
    reason: Remark


class CreditPayback(Shown):
    credit_payback_id: UUID
    number: str
    state: CreditPaybackState
    customer_id: UUID
    amount: Money
    reason: str
    bank_name: str
    account_name: str
    account_number: str
    requested_at: Instant
    approved_at: Instant | None
    paid_at: Instant | None
    failure: str
    written: bool


class CreditPaybackPage(Shown):
    items: tuple[CreditPayback, ...]
    next_cursor: str | None


class CreditPaybacksListed(Listed):
    customer_id: UUID | None = None
    state: CreditPaybackState | None = None
