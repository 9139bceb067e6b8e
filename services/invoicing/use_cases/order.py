"""Keeping the copies of orders."""

from datetime import datetime

from services.invoicing.domain.order import OrderCopy, OrderLine
from services.invoicing.use_cases import seller_invoice
from services.invoicing.use_cases.ports import InvoicingUnitOfWork
from services.shared.messages.orders.order import OrderContracted


def keep_copy(event: OrderContracted, *, uow: InvoicingUnitOfWork, now: datetime) -> None:
    """Take over what was frozen when the contract was signed."""
    seller_invoice.expect(event, uow=uow, now=now)
    amounts = event.amounts
    uow.orders.put(
        OrderCopy(
            order_id=event.order_id,
            number=event.number,
            customer_id=event.customer_id,
            contract_number=event.contract_number,
            payment_method=event.terms.payment_method,
            lines=tuple(
                OrderLine(
                    title_zh=line.title_zh,
                    title_en=line.title_en,
                    unit=line.unit,
                    quantity=line.quantity,
                    unit_price=line.unit_price,
                    includes_tax=line.includes_tax,
                    discount=line.discount,
                    net=line.net,
                )
                for line in event.lines
            ),
            net=amounts.net,
            tax=amounts.tax,
            gross=amounts.gross,
            tax_rate_bps=amounts.tax_rate_bps,
            contracted_at=event.contracted_at,
        )
    )
