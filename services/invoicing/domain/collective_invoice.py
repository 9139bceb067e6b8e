"""
A collective invoice (汇总开票): one over a customer's accepted orders of a month, where that is agreed.

Taxes are the orders' own, frozen, and summed: the tax of the sum may differ by a fen (TV15). The tax point of each
order is its acceptance all the same. Orders of different rates, currencies or terms of payment go on invoices of their
own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.invoicing.domain.order import OrderCopy, OrderLine
from services.shared.kernel.money import Money, total

InvoiceTiming = Literal["on_acceptance", "monthly_collective"]


@dataclass(frozen=True)
class InvoiceTerms:
    """When *customer_id* gets its invoices, for orders accepted from *since* on. *set_by*: a member of the company."""

    customer_id: UUID
    timing: InvoiceTiming
    since: datetime
    set_by: str


@dataclass
class UninvoicedOrder:
    """
    An accepted order that waits for its month's invoice, or stands on it.

    Attributes:
        month: Of the acceptance, *2026-11*, Asia/Shanghai.
        net, tax: As recognised, less what refunds have taken since.
        on_credit: What of both is not paid.
        invoice_id: None until it is invoiced.
        lowered_by: The refunds that have taken of it, by id.
    """

    order_id: UUID
    customer_id: UUID
    month: str
    net: Money
    tax: Money
    tax_rate_bps: int
    on_credit: Money
    net_days: int
    accepted_at: datetime
    invoice_id: UUID | None = None
    lowered_by: tuple[UUID, ...] = ()

    @property
    def goes_with(self) -> tuple[str, int, int]:
        """Only what agrees in this goes on one invoice."""
        return self.net.currency, self.tax_rate_bps, self.net_days

    def lower(self, refund_id: UUID, net: Money, tax: Money, on_account: Money) -> bool:
        """A refund takes *net* and *tax* of it, once. Returns whether it does so now."""
        if refund_id in self.lowered_by:
            return False
        self.net, self.tax, self.on_credit = self.net - net, self.tax - tax, self.on_credit - on_account
        self.lowered_by = (*self.lowered_by, refund_id)
        return True


def as_one(orders: Sequence[tuple[UninvoicedOrder, OrderCopy]]) -> OrderCopy:
    """What one invoice over *orders* will say before anything is taken off: all lines, each with its order's number."""
    (_, first), *_ = orders
    copies = [copy for _, copy in orders]
    methods = {copy.payment_method for copy in copies}
    return replace(
        first,
        number="",
        contract_number="",
        payment_method="credit" if "credit" in methods else first.payment_method,
        lines=tuple(_of(copy, line) for copy in copies for line in copy.lines),
        net=total((copy.net for copy in copies), first.net.currency),
        tax=total((copy.tax for copy in copies), first.net.currency),
        gross=total((copy.gross for copy in copies), first.net.currency),
    )


def _of(order: OrderCopy, line: OrderLine) -> OrderLine:
    return replace(line, order_number=order.number)
