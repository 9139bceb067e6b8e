"""Credit as orders follows it: whom billing grants it, and for which orders."""

from datetime import datetime

from services.orders.domain.cover import Cover
from services.orders.domain.credit import CreditLineCopy
from services.orders.use_cases import order as order_use_cases
from services.orders.use_cases.ports import OrdersUnitOfWork
from services.shared.messages.billing.credit import (
    CreditGranted,
    CreditLineApproved,
    CreditLineSuspended,
    CreditRefused,
)


def keep_line(event: CreditLineApproved, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """From now on the customer may order on credit, on these terms."""
    del now
    uow.credit_lines.put(
        CreditLineCopy(
            customer_id=event.customer_id,
            currency=event.limit.currency,
            credit_line_id=event.credit_line_id,
            active=True,
            net_days=event.net_days,
            before_work_bps=event.before_work_bps,
            valid_until=event.valid_until,
        )
    )


def suspend_line(event: CreditLineSuspended, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """It may not any more. The line's stream is in order, so its approval was here before."""
    del now
    uow.credit_lines.suspend(event.credit_line_id)


def take_granted(event: CreditGranted, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """Billing vouches for this much of the price. Raises: as `order.take_cover`."""
    order_use_cases.take_cover(event.order_id, event.credit_id, Cover("credit", event.amount), uow=uow, now=now)


def note_refused(event: CreditRefused, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """The whole price is due before work begins. Raises NotYet: The order is not known here."""
    order_use_cases.note("credit_refused", event.order_id, uow=uow, now=now)
