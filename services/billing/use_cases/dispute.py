"""Disputes as billing follows them: the order's money stays where it is until they are decided or withdrawn."""

from datetime import datetime

from services.billing.use_cases import refund
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.errors import NotYet
from services.shared.messages.orders.dispute import DisputeDecided, DisputeOpened, DisputeWithdrawn


def opened(event: DisputeOpened, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """No statement lists the order and no payout pays it. Raises NotYet: The order is not known here."""
    del now
    if uow.orders.find(event.order_id) is None:
        raise NotYet("the order is not known here yet")
    uow.accruals.hold(event.order_id, _reason(event), event.opened_at)


def withdrawn(event: DisputeWithdrawn, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Everything goes its way again."""
    del now
    uow.orders.find(event.order_id)
    uow.accruals.unhold(event.order_id, _reason(event))


def decided(event: DisputeDecided, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """What is given back is agreed with that; the rest goes its way again. Raises NotYet: See opened."""
    order = uow.orders.find(event.order_id)
    if order is None:
        raise NotYet("the order is not known here yet")
    uow.accruals.unhold(event.order_id, _reason(event))
    if event.net is not None:
        refund.refund_for_dispute(
            order, event.dispute_id, event.net, event.burden, event.station_base,
            decided_by=event.decided_by, uow=uow, now=now,
        )  # fmt: skip


def _reason(event: DisputeOpened | DisputeDecided | DisputeWithdrawn) -> str:
    return f"dispute/{event.dispute_id}"
