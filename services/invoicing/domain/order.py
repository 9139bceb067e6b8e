"""What invoicing keeps of an order: what an invoice over it will say. Frozen when its contract was signed."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.shared.kernel.money import Money


@dataclass(frozen=True)
class OrderLine:
    """
    Attributes:
        unit_price: Net of VAT, or with it where *includes_tax*.
        discount: Of the whole line, in the same terms as *unit_price*.
        net: Of the whole line, without VAT, after discount.
        order_number: Of the order it is of, where an invoice is over several.
    """

    title_zh: str
    title_en: str
    unit: str
    quantity: int
    unit_price: Money
    includes_tax: bool
    discount: Money
    net: Money
    order_number: str = ""


@dataclass(frozen=True)
class OrderCopy:
    """*gross* = *net* + *tax*, frozen; an invoice repeats them and never computes them."""

    order_id: UUID
    number: str
    customer_id: UUID
    contract_number: str
    payment_method: str
    lines: tuple[OrderLine, ...]
    net: Money
    tax: Money
    gross: Money
    tax_rate_bps: int
    contracted_at: datetime


def commission_of(
    order: OrderCopy, provider_id: UUID, net: Money, tax: Money, tax_rate_bps: int, *, split: bool, risen: bool = False
) -> OrderCopy:
    """
    What an invoice over the commission for *order*, which *provider_id* sold, will say: one line of *net*.

    *split*: the payment institution pays it; else the provider owes it, and is told how to transfer it. *risen*: it is
    over what it is more, after a refund.
    """
    return replace(
        order,
        customer_id=provider_id,
        payment_method="offset" if split else "commission_owed",
        lines=(
            OrderLine(
                title_zh=f"平台服务佣金（订单 {order.number}{'，退款后补收' if risen else ''}）",
                title_en=f"Commission for order {order.number}" + (", risen on a refund" if risen else ""),
                unit="item",
                quantity=1,
                unit_price=net,
                includes_tax=False,
                discount=Money(0, net.currency),
                net=net,
            ),
        ),
        net=net,
        tax=tax,
        gross=net + tax,
        tax_rate_bps=tax_rate_bps,
    )
