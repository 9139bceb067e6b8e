"""
Commission that a provider owes: due on a day, as its invoice says, reminded of afterwards, ended by whatever pays.

What is owed is a claw-back: a transfer that names the order pays it, or the provider's next statement.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from services.shared.kernel.money import Money
from services.shared.kernel.times import end_of_business_day

REMINDERS_MAX = 3
REMIND_EVERY = timedelta(days=7)


def commission_key(order_id: UUID) -> str:
    """Of the claw-back over what a provider owes for an order that no channel splits."""
    return f"commission:{order_id}"


def split_key(order_id: UUID) -> str:
    """Likewise, because the channel did not split it."""
    return f"split:{order_id}"


def internal_key(order_id: UUID) -> str:
    """Likewise, of the fee for an internal order."""
    return f"internal_fee:{order_id}"


def risen_key(refund_id: UUID) -> str:
    """Likewise, of what a refund made the commission more."""
    return f"refund:{refund_id}:commission"


@dataclass
class CommissionDebt:
    """
    Attributes:
        amount, left: Of the claw-back; *left* is still owed.
        due_on: The last day in time, Asia/Shanghai.
        invoice_number: Empty before the invoice is here.
        reminded_on: When last; none: never.
    """

    clawback_id: UUID
    provider_id: UUID
    order_id: UUID
    order_number: str
    amount: Money
    left: Money
    due_on: date
    invoice_number: str
    reminders: int
    reminded_on: date | None

    def days_overdue(self, today: date) -> int:
        return max(0, (today - self.due_on).days) if self.left.amount else 0

    def next_reminder(self) -> datetime | None:
        """When the provider is to be reminded next; none: never."""
        if not self.left.amount or self.reminders >= REMINDERS_MAX:
            return None
        day = self.due_on + timedelta(days=1)
        if self.reminded_on is not None:
            day = max(day, self.reminded_on + REMIND_EVERY)
        return end_of_business_day(day - timedelta(days=1))  # the day begins where the one before it ends

    def remind(self, now: datetime, today: date) -> bool:
        """At most one a week and three in all. Returns whether it is to be reminded of now."""
        due_at = self.next_reminder()
        if due_at is None or now < due_at:
            return False
        self.reminders += 1
        self.reminded_on = today
        return True
