"""Project funds as orders follows them: billing asks the university's finance system and tells what it answers."""

from datetime import datetime

from services.orders.domain.cover import Cover
from services.orders.domain.funding import ProjectFunds
from services.orders.domain.order import Order
from services.orders.use_cases import order as order_use_cases
from services.orders.use_cases.ports import OrdersUnitOfWork
from services.shared.kernel.errors import NotFound, NotYet
from services.shared.messages.billing.funding import (
    FundingExecuted,
    FundingRefused,
    FundingReleased,
    FundingRequested,
    FundingReserved,
)


def note_requested(event: FundingRequested, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """The university is asked; perhaps for another project than the order named."""
    order = _known(event, uow)
    order.project_funds = ProjectFunds(event.project_number, event.responsible_person)
    order.note("funding_requested", now, by_platform=True)
    uow.orders.save(order)


def note_refused(event: FundingRefused, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """Nothing is reserved: the requester names another project, or cancels."""
    order = _known(event, uow)
    order.project_funds = ProjectFunds(event.project_number, event.responsible_person, event.reason)
    order.note("funding_refused", now, by_platform=True)
    uow.orders.save(order)


def take_reserved(event: FundingReserved, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """The money is set aside for this order. Raises: as `order.take_cover`."""
    order_use_cases.take_cover(event.order_id, event.funding_id, Cover("funding", event.amount), uow=uow, now=now)


def drop_released(event: FundingReleased, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """It is not set aside any more: the order was cancelled, or the reservation lapsed and is made anew."""
    order_use_cases.drop_cover(event.order_id, event.funding_id, uow=uow, now=now)


def close_executed(event: FundingExecuted, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """The money was transferred within the university: with the last of it nothing of the order is open."""
    order = _known(event, uow)
    if event.left.amount == 0 and order.state == "accepted":
        order_use_cases.close(order, uow, now)


def _known(event: FundingRequested | FundingRefused | FundingExecuted, uow: OrdersUnitOfWork) -> Order:
    try:
        return uow.orders.get(event.order_id)
    except NotFound:
        raise NotYet("the order is not known here") from None
