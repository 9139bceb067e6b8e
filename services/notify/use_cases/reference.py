"""Keeping who is who in orders and settlements."""

from datetime import datetime

from services.notify.domain.reference import OrderCopy, SettlementCopy
from services.notify.use_cases.ports import NotifyUnitOfWork
from services.shared.messages.billing.settlement import SettlementClosed, SettlementPayable
from services.shared.messages.orders.order import OrderPlaced


def keep_order(event: OrderPlaced, *, uow: NotifyUnitOfWork, now: datetime) -> None:
    del now
    uow.references.put_order(
        OrderCopy(
            order_id=event.order_id,
            number=event.number,
            customer_id=event.customer_id,
            provider_id=event.provider_id,
        )
    )


def keep_settlement(event: SettlementClosed | SettlementPayable, *, uow: NotifyUnitOfWork, now: datetime) -> None:
    """Of one for which no invoice is awaited only the latter is told."""
    del now
    uow.references.put_settlement(
        SettlementCopy(
            settlement_id=event.settlement_id,
            number=event.number,
            party_kind=event.party_kind,
            party_id=event.party_id,
        )
    )
