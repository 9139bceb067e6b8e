"""Revenue: what of an accepted order was booked, and is therefore invoiced."""

from typing import ClassVar
from uuid import UUID

from services.shared.kernel.money import Money
from services.shared.messages.base import Event, Instant


class RevenueRecognised(Event):
    """
    The work is accepted and its revenue booked; *gross* = *net* + *tax*.

    Less than the order's amounts where a refund was agreed before, nothing at all where all of it was given back. What
    is given back from now on is told as `refund.agreed` with *invoiced*.

    Attributes:
        on_credit: What of *gross* the customer has not paid and owes from now on.
        net_days: From the invoice on, until that is due.
    """

    wire_name: ClassVar = "revenue.recognised.v1"
    source: ClassVar = "billing"
    stream_of: ClassVar = ("order", "order_id")

    order_id: UUID
    order_number: str
    customer_id: UUID
    net: Money
    tax: Money
    gross: Money
    tax_rate_bps: int
    on_credit: Money
    net_days: int
    accepted_at: Instant
