"""Keeping the copies of offerings."""

from datetime import datetime

from services.orders.domain.offering import OfferingCopy, Price, VolumeDiscount
from services.orders.use_cases.ports import OrdersUnitOfWork
from services.shared.messages.catalog.offering import OfferingChanged, OfferingHidden, OfferingPublished


def keep_copy(
    event: OfferingPublished | OfferingChanged | OfferingHidden, *, uow: OrdersUnitOfWork, now: datetime
) -> None:
    """Take over the whole offering with its price list; a hidden one can no longer be ordered."""
    del now
    content = event.content
    uow.offerings.put(
        OfferingCopy(
            offering_id=event.offering_id,
            number=event.number,
            provider_id=event.provider_id,
            title_zh=content.title_zh,
            title_en=content.title_en,
            method_zh=content.method_zh,
            method_en=content.method_en,
            method_codes=content.method_codes,
            unit=content.unit,
            turnaround_days=content.turnaround_days,
            orderable=content.orderable,
            instrument_class=content.instrument_class,
            published=not isinstance(event, OfferingHidden),
            prices=tuple(
                Price(
                    valid_from=price.valid_from,
                    unit_price=price.unit_price,
                    includes_tax=price.includes_tax,
                    volume_discounts=tuple(
                        VolumeDiscount(step.quantity, step.discount_bps) for step in price.volume_discounts
                    ),
                )
                for price in event.prices
            ),
        )
    )
