"""What orders keep of an offering: enough to sell it at its published price."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.orders.domain.pricing import LineAsked
from services.shared.kernel.errors import Conflict, NotFound
from services.shared.kernel.money import Money
from services.shared.kernel.times import working_days


class OfferingNotFound(NotFound):
    """No offering of this id has been published. A copy lags by less than a person's next request."""

    code = "orders.offering_not_found"


class NotForSale(Conflict):
    """This offering cannot be ordered at present."""

    code = "orders.offering_not_for_sale"


class QuotationNeeded(Conflict):
    """This offering has no price that it could be ordered at; ask for a quotation."""

    code = "orders.quotation_needed"


class OneProviderOnly(Conflict):
    """An order goes to one provider."""

    code = "orders.one_provider_only"


class OwnOffering(Conflict):
    """An organisation does not order from itself."""

    code = "orders.own_offering"


@dataclass(frozen=True)
class VolumeDiscount:
    """From *quantity* units on, *discount_bps* off the whole line."""

    quantity: int
    discount_bps: int


@dataclass(frozen=True)
class Price:
    """In force from *valid_from* until the next entry's. *unit_price* is net, or with VAT where *includes_tax*."""

    valid_from: datetime
    unit_price: Money
    includes_tax: bool = False
    volume_discounts: tuple[VolumeDiscount, ...] = ()

    def discount_bps(self, quantity: int) -> int:
        """Off the whole line when *quantity* units are ordered: the entry with the most units reached counts."""
        reached = [step for step in self.volume_discounts if step.quantity <= quantity]
        return max(reached, key=lambda step: step.quantity).discount_bps if reached else 0


@dataclass(frozen=True)
class OfferingCopy:
    """
    As catalog last told it.

    Attributes:
        published: May be found; a hidden one is kept for the orders that run.
        turnaround_days: The calendar days that catalog tells; the promise is `turnaround_working_days`.
        instrument_class: Four to six digits, or empty; commission plans may be made for a class.
        orderable: May be ordered at the published price without a quotation.
        provider_sells: Its provider is approved; none when nothing is known of the provider.
    """

    offering_id: UUID
    number: str
    provider_id: UUID
    title_zh: str
    title_en: str
    method_zh: str
    method_en: str
    method_codes: tuple[str, ...]
    unit: str
    turnaround_days: int
    orderable: bool
    published: bool
    prices: tuple[Price, ...]
    instrument_class: str = ""
    provider_sells: bool | None = field(default=None, compare=False)

    @property
    def turnaround_working_days(self) -> int:
        """From the release of an order and complete samples to the report."""
        return working_days(self.turnaround_days)

    def price_at(self, now: datetime) -> Price | None:
        """The entry of the price list in force at *now*."""
        begun = [price for price in self.prices if price.valid_from <= now]
        return max(begun, key=lambda price: price.valid_from) if begun else None

    def listed_in(self, currency: str) -> bool:
        """Whether a price in *currency* can be one of its price list, all of which is in one currency."""
        return all(price.unit_price.currency == currency for price in self.prices)

    def line_at_published_price(self, quantity: int, now: datetime) -> LineAsked:
        """
        Raises:
            NotForSale: It is hidden, or its provider may not sell.
            QuotationNeeded: It is only sold by quotation, or no price is in force.
        """
        if not self.published or not self.provider_sells:
            raise NotForSale(offering=str(self.offering_id))
        price = self.price_at(now)
        if not self.orderable or price is None:
            raise QuotationNeeded(offering=str(self.offering_id))
        return LineAsked(
            offering_id=self.offering_id,
            title_zh=self.title_zh,
            title_en=self.title_en,
            unit=self.unit,
            quantity=quantity,
            unit_price=price.unit_price,
            includes_tax=price.includes_tax,
            discount_bps=price.discount_bps(quantity),
        )


def only_provider(offerings: Sequence[OfferingCopy], customer_id: UUID) -> UUID:
    """
    The provider of all *offerings*.

    Raises:
        OneProviderOnly: There are several.
        OwnOffering: It is the customer itself.
    """
    providers = {offering.provider_id for offering in offerings}
    if len(providers) > 1:
        raise OneProviderOnly
    (provider_id,) = providers
    if provider_id == customer_id:
        raise OwnOffering
    return provider_id
