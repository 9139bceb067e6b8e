"""Keeping the copies of providers."""

from datetime import datetime

from services.orders.domain.provider import ProviderCopy
from services.orders.use_cases.ports import OrdersUnitOfWork
from services.shared.messages.catalog.provider import ProviderApproved, ProviderSuspended


def keep_copy(event: ProviderApproved | ProviderSuspended, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """Whether it may sell. What it sold before goes on."""
    del now
    uow.providers.put(
        ProviderCopy(
            event.provider_id,
            event.name_zh,
            event.name_en,
            sells=isinstance(event, ProviderApproved),
            framework_agreement_number=event.framework_agreement_number or "",
        )
    )
