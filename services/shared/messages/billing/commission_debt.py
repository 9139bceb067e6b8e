"""Commission that providers owe: which is due since when, and that they were reminded."""

from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import Event, Message, Page, Query
from services.shared.messages.billing.commission_plan import FINANCE


class CommissionDebtView(Message):
    """
    Attributes:
        amount, left: With VAT; *left* is still owed.
        invoice_number: Empty before the invoice is issued.
        due_on: The last day on which it is paid in time (Asia/Shanghai).
        days_overdue: 0 while it is not.
        reminders: How many were sent, three at most.
        reference: What its transfer names.
    """

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


class ListCommissionDebts(Query):
    """What is not paid yet, longest due first. → CommissionDebtPage"""

    wire_name: ClassVar = "billing.list_commission_debts"
    grants: ClassVar[Grants] = FINANCE

    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class CommissionDebtPage(Page):
    items: tuple[CommissionDebtView, ...]


class CommissionReminded(Event):
    """
    Commission is overdue; the provider's finance is told, at most once a week.

    Attributes:
        amount: What is still owed.
        reminder: Which one, from 1.
        last: No other follows.
        reference: What the transfer is to name.
    """

    wire_name: ClassVar = "commission.reminded.v1"
    source: ClassVar = "billing"
    stream_of: ClassVar = ("order", "order_id")

    clawback_id: UUID
    order_id: UUID
    order_number: str
    provider_id: UUID
    amount: Money
    invoice_number: str
    due_on: date
    days_overdue: int
    reminder: int
    last: bool
    reference: str
