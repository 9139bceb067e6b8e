"""Commission that providers owe, to the operating company."""

from datetime import date
from uuid import UUID

from gateway.schemas.base import Shown
from services.shared.kernel.money import Money


class CommissionDebt(Shown):
    """*left*: what is still owed; *due_on*: the last day in time (Asia/Shanghai)."""

    clawback_id: UUID
    provider_id: UUID
    order_id: UUID
    order_number: str
    amount: Money
    left: Money
    invoice_number: str
    due_on: date
    days_overdue: int
    reminders: int
    reference: str


class CommissionDebtPage(Shown):
    items: tuple[CommissionDebt, ...]
    next_cursor: str | None
