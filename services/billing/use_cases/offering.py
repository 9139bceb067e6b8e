"""Keeping the copies of offerings."""

from datetime import datetime

from services.billing.domain.offering import ListPrice, OfferingCopy
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.messages.catalog.offering import OfferingChanged, OfferingHidden, OfferingPublished


def keep_copy(
    event: OfferingPublished | OfferingChanged | OfferingHidden, *, uow: BillingUnitOfWork, now: datetime
) -> None:
    """Take over class and price list. Its stream is in order, so the last word counts."""
    del now
    uow.offerings.put(
        OfferingCopy(
            offering_id=event.offering_id,
            instrument_class=event.content.instrument_class,
            prices=tuple(
                ListPrice(price.valid_from, price.unit_price.amount, price.unit_price.currency, price.includes_tax)
                for price in event.prices
            ),
        )
    )
