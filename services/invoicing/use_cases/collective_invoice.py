"""
Invoicing a month at once, where that is agreed with a customer.

    revenue.recognised → tax_point.reached; the order waits for the end of its month (or for somebody who wants it now)
                       → one invoice for each rate, currency and term of payment, told for each order on it
    refund.agreed meanwhile → what waits is less: invoice.reduced, and billing lets the money go without a red letter

Locks, always in this order: order copies by id, uninvoiced orders, invoice, number series.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from services.invoicing.domain.collective_invoice import InvoiceTerms, UninvoicedOrder, as_one
from services.invoicing.domain.invoice import Invoice, OrderShare
from services.invoicing.domain.order import OrderCopy
from services.invoicing.use_cases.ports import InvoicingUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id
from services.shared.kernel.money import total
from services.shared.kernel.times import business_date, end_of_business_day
from services.shared.messages.billing.refund import RefundAgreed
from services.shared.messages.billing.revenue import RevenueRecognised
from services.shared.messages.invoicing.collective_invoice import (
    InvoiceReduced,
    InvoiceTermsView,
    InvoiceUninvoiced,
    SetInvoiceTerms,
    UninvoicedInvoiced,
)

COLLECT_TIMER = "invoice_month"

Take = Callable[..., Invoice]
"""`use_cases.invoice.number_invoice`: it numbers an invoice and asks for its documents."""


def set_invoice_terms(
    command: SetInvoiceTerms, *, actor: Actor, uow: InvoicingUnitOfWork, now: datetime
) -> InvoiceTermsView:
    """
    From now on the customer gets its invoices so; what waits already stays with its month.

    Raises:
        NotFound: No such customer is known here.
    """
    require(actor, command.grants, {})
    _, customer = uow.organisations.parties(command.customer_id)
    if customer is None or customer.kind != "customer":
        raise NotFound
    terms = InvoiceTerms(command.customer_id, command.timing, now, hand_of(actor))
    uow.uninvoiced.put_terms(terms)
    return view(terms)


def waits(event: RevenueRecognised, *, uow: InvoicingUnitOfWork) -> bool:
    """Whether the order is for its month's invoice; then it waits, and the end of the month is noted."""
    terms = uow.uninvoiced.terms_of(event.customer_id)
    if terms is None or terms.timing != "monthly_collective" or event.accepted_at < terms.since:
        return False
    day = business_date(event.accepted_at)
    month = f"{day:%Y-%m}"
    uow.uninvoiced.add(
        UninvoicedOrder(
            order_id=event.order_id,
            customer_id=event.customer_id,
            month=month,
            net=event.net,
            tax=event.tax,
            tax_rate_bps=event.tax_rate_bps,
            on_credit=event.on_credit,
            net_days=event.net_days,
            accepted_at=event.accepted_at,
        )
    )
    uow.set_timer(COLLECT_TIMER, f"{event.customer_id}/{month}", _end_of_month(day))
    return True


def lowered(event: RefundAgreed, *, uow: InvoicingUnitOfWork) -> bool:
    """Whether the refund is of an order that waits: then its invoice will say less, and no red letter is needed."""
    uow.orders.find(event.order_id)
    waiting = uow.uninvoiced.find(event.order_id)
    if waiting is None or (waiting.invoice_id is not None and event.refund_id not in waiting.lowered_by):
        return False
    if waiting.lower(event.refund_id, event.net, event.tax, event.on_account):
        uow.uninvoiced.save(waiting)
        uow.publish(
            InvoiceReduced(
                refund_id=event.refund_id,
                order_id=event.order_id,
                order_number=event.order_number,
                customer_id=event.customer_id,
                net=event.net,
                tax=event.tax,
                gross=event.gross,
            )
        )
    return True


def invoice_month(subject: str, *, uow: InvoicingUnitOfWork, now: datetime, number: Take) -> None:
    """Timer: the month of *subject* (customer/month) is over."""
    customer_id, _, month = subject.partition("/")
    _invoice_waiting(UUID(customer_id), month, uow, now, number)


def invoice_uninvoiced(
    command: InvoiceUninvoiced, *, actor: Actor, uow: InvoicingUnitOfWork, now: datetime, number: Take
) -> UninvoicedInvoiced:
    """The customer wants its invoice before the month is over: all that waits is invoiced."""
    require(actor, command.grants, {})
    made = _invoice_waiting(command.customer_id, None, uow, now, number)
    return UninvoicedInvoiced(
        customer_id=command.customer_id,
        invoice_ids=tuple(each.invoice_id for each in made),
        numbers=tuple(each.number for each in made),
    )


def _invoice_waiting(
    customer_id: UUID, month: str | None, uow: InvoicingUnitOfWork, now: datetime, number: Take
) -> Sequence[Invoice]:
    together: dict[tuple[str, int, int], list[tuple[UninvoicedOrder, OrderCopy]]] = defaultdict(list)
    for order_id in uow.uninvoiced.waiting(customer_id, month):
        copy, waiting = uow.orders.find(order_id), uow.uninvoiced.find(order_id)
        if copy is not None and waiting is not None and waiting.invoice_id is None and waiting.net.amount:
            together[waiting.goes_with].append((waiting, copy))
    return [_invoice(customer_id, orders, uow, now, number) for _, orders in sorted(together.items())]


def _invoice(
    customer_id: UUID, orders: Sequence[tuple[UninvoicedOrder, OrderCopy]], uow: InvoicingUnitOfWork, now: datetime,
    number: Take,
) -> Invoice:  # fmt: skip
    orders = sorted(orders, key=lambda each: each[1].number)
    waiting = [each for each, _ in orders]
    currency = waiting[0].net.currency
    whole = as_one(orders)
    made = number(
        whole, customer_id, invoice_id=derived_id("invoice", "month", *(each.order_id for each in waiting)),
        net=total((each.net for each in waiting), currency), tax=total((each.tax for each in waiting), currency),
        accepted_at=max(each.accepted_at for each in waiting),
        on_credit=total((each.on_credit for each in waiting), currency), net_days=waiting[0].net_days,
        orders=tuple(OrderShare(each.order_id, copy.number, each.net, each.tax) for each, copy in orders),
        uow=uow, now=now,
    )  # fmt: skip
    for each in waiting:
        each.invoice_id = made.invoice_id
        uow.uninvoiced.save(each)
    return made


def _end_of_month(day: date) -> datetime:
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return end_of_business_day(following - timedelta(days=1))


def view(terms: InvoiceTerms) -> InvoiceTermsView:
    return InvoiceTermsView(customer_id=terms.customer_id, timing=terms.timing, since=terms.since)
