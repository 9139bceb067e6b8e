"""
The company's invoices to a provider that sold, over its commission.

    commission.earned  → tax_point.reached; an invoice over it
    commission.reduced → a red letter over what it is less; or, where it is more, an invoice over that
"""

from datetime import datetime

from services.invoicing.domain.order import OrderCopy, commission_of
from services.invoicing.use_cases import seller_invoice
from services.invoicing.use_cases.invoice import number_invoice, reach_tax_point
from services.invoicing.use_cases.ports import InvoicingUnitOfWork
from services.invoicing.use_cases.red_letter import take_back
from services.shared.kernel.errors import NotYet
from services.shared.kernel.ids import derived_id
from services.shared.kernel.money import Money
from services.shared.messages.billing.commission import CommissionEarned, CommissionReduced


def invoice_commission(event: CommissionEarned, *, uow: InvoicingUnitOfWork, now: datetime, net_days: int = 0) -> None:
    """
    The provider sold, and invoices the customer itself: it gets the company's invoice over the commission. Once.

    The payment institution split it off; or the provider transfers it under its own reference within *net_days* of the
    invoice, or it is netted with what it is paid.
    """
    seller_invoice.fall_due(event, uow=uow, now=now)
    if not event.net.amount:
        return
    order = _order(event, uow)
    if uow.invoices.exists_for(event.order_id):
        return
    commission = commission_of(order, event.provider_id, event.net, event.tax, event.tax_rate_bps, split=event.split)
    reach_tax_point(commission, event.net, event.tax, event.accepted_at, uow)
    number_invoice(
        commission, event.provider_id, accepted_at=event.accepted_at, net=event.net, tax=event.tax,
        on_credit=Money(0, event.net.currency) if event.split else event.gross,
        net_days=0 if event.split else net_days, uow=uow, now=now,
    )  # fmt: skip


def commission_reduced(
    event: CommissionReduced, *, uow: InvoicingUnitOfWork, now: datetime, platform: bool = False, net_days: int = 0
) -> None:
    """
    A refund of what the provider sold takes its part of the commission, which is invoiced: as `refund_agreed`.

    Where the commission of the smaller order is more, the provider is invoiced the difference. Once for each refund.
    """
    if event.gross.amount > 0:
        take_back(event, event.provider_id, uow, now, platform=platform)
    elif event.gross.amount < 0:
        _invoice_rise(event, net_days, uow, now)


def _invoice_rise(event: CommissionReduced, net_days: int, uow: InvoicingUnitOfWork, now: datetime) -> None:
    order = _order(event, uow)
    if event.accepted_at is None or event.tax_rate_bps is None:
        raise TypeError(f"the commission of order {event.order_number} rises without its acceptance")
    if uow.invoices.exists_for_refund(event.order_id, event.refund_id):
        return
    net, tax = -event.net, -event.tax
    # However the commission itself was paid, nothing splits off what it is more.
    risen = commission_of(order, event.provider_id, net, tax, event.tax_rate_bps, split=False, risen=True)
    number_invoice(
        risen, event.provider_id, accepted_at=event.accepted_at, net=net, tax=tax, on_credit=net + tax,
        net_days=net_days, invoice_id=derived_id("invoice", event.refund_id), refund_id=event.refund_id, uow=uow,
        now=now,
    )  # fmt: skip


def _order(event: CommissionEarned | CommissionReduced, uow: InvoicingUnitOfWork) -> OrderCopy:
    """Locked. Raises NotYet."""
    order = uow.orders.find(event.order_id)
    if order is None:
        raise NotYet("the order is not known here yet")
    return order
