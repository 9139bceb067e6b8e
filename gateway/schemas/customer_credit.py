"""What customers have paid and no order waited for."""

from uuid import UUID

from gateway.schemas.base import Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import PositiveMoney


class CustomerCredit(Shown):
    customer_id: UUID
    customer_name: str
    amount: Money


class CustomerCreditPage(Shown):
    items: tuple[CustomerCredit, ...]
    next_cursor: str | None


class CreditToApply(Schema):
    payment_id: UUID
    amount: PositiveMoney


class CreditApplied(Shown):
    payment_id: UUID
    order_id: UUID
    order_number: str
    amount: Money
    missing: Money
