"""Commission: what the company earns as agent of a provider that sells."""

from typing import ClassVar
from uuid import UUID

from services.shared.kernel.money import Money
from services.shared.messages.base import Event, Instant
from services.shared.messages.billing.refund import RefundCause


class SellerPaid(Event):
    """The provider, which sold, has the customer's money of an accepted order; the company owes it nothing for it."""

    wire_name: ClassVar = "seller.paid.v1"
    source: ClassVar = "billing"
    stream_of: ClassVar = ("order", "order_id")

    order_id: UUID
    order_number: str
    provider_id: UUID


class CommissionEarned(Event):
    """
    The customer accepted what the provider sold: the provider is invoiced the commission. *gross* = *net* + *tax*.

    Attributes:
        net: C, less what the company took off for the customer.
        tax_rate_bps: The company's own.
        split: The payment institution pays it at source; else the provider owes it.
        sold_net, sold_tax: What was accepted, and the provider invoices the customer.
    """

    wire_name: ClassVar = "commission.earned.v1"
    source: ClassVar = "billing"
    stream_of: ClassVar = ("order", "order_id")

    order_id: UUID
    order_number: str
    provider_id: UUID
    net: Money
    tax: Money
    gross: Money
    tax_rate_bps: int
    split: bool
    accepted_at: Instant
    sold_net: Money | None = None
    sold_tax: Money | None = None


class CommissionReduced(Event):
    """
    A refund took its part of the commission: its invoice is too high by so much.

    Below zero where the commission of less is more: it is invoiced beside. *gross* = *net* + *tax*.

    Attributes:
        tax_rate_bps: The company's own.
        accepted_at: When the work was.
    """

    wire_name: ClassVar = "commission.reduced.v1"
    source: ClassVar = "billing"
    stream_of: ClassVar = ("order", "order_id")

    refund_id: UUID
    order_id: UUID
    order_number: str
    provider_id: UUID
    net: Money
    tax: Money
    gross: Money
    cause: RefundCause = "manual"
    tax_rate_bps: int | None = None
    accepted_at: Instant | None = None
