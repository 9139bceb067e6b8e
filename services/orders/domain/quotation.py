"""A quotation: versioned, binding and immutable once sent, frozen when accepted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.orders.domain.collection_agreement import SOLD_BY_COMPANY, Collection
from services.orders.domain.policy import Policy
from services.orders.domain.pricing import Amounts, Line, Pricing, ProviderSide, StationBase, priced_by_company
from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money

QuotationState = Literal[
    "draft", "pending_approval", "sent", "accepted", "declined", "countered", "expired", "withdrawn", "superseded"
]

LIFECYCLE: Lifecycle[QuotationState] = Lifecycle(
    "quotation",
    {
        # what the company prices is the customer's business only once it is priced
        "price": {"pending_approval": "sent", "countered": "sent"},
        "accept": {"sent": "accepted"},
        "counter": {"sent": "countered"},
        "decline": {"pending_approval": "declined", "sent": "declined", "countered": "declined"},
        "withdraw": {"pending_approval": "withdrawn", "sent": "withdrawn", "countered": "withdrawn"},
        "expire": {"pending_approval": "expired", "sent": "expired", "countered": "expired"},
        "supersede": {"pending_approval": "superseded", "sent": "superseded", "countered": "superseded"},
    },
)

VALID_DAYS_MAX = 366


class QuotationExpired(Conflict):
    """The quotation's validity is over."""

    code = "orders.quotation_expired"


class ValidityInvalid(Invalid):
    """A quotation holds from now on, for a year at the most."""

    code = "orders.quotation_validity_invalid"


class ReasonForPriceRequired(Invalid):
    """A line that is not on the price list, or in another currency than it, says why it costs what it costs."""

    code = "orders.reason_for_price_required"


class CounterCurrencyDiffers(Invalid):
    """A counter-offer is in the currency of the quotation that it answers."""

    code = "orders.counter_currency_differs"


class NotPricedByCompany(Conflict):
    """The provider's own price is on offer; only the provider answers a counter-offer on it."""

    code = "orders.quotation_not_priced_by_company"


class ForeignOffering(Invalid):
    """A provider quotes its own offerings."""

    code = "orders.foreign_offering"


@dataclass
class Quotation:
    """
    Attributes:
        version: Counts from 1 within its request and provider.
        lines, amounts: What the customer is to pay; until the company has priced it, what the provider quoted.
        turnaround_days: Working days from the release of the order and complete samples to the report.
        provider_side: What the provider quoted, where the company priced it; none: the customer pays just that.
        collection: Who sells, and how the money is collected: the prices' tax is the seller's.
    """

    quotation_id: UUID
    number: str
    version: int
    state: QuotationState
    quotation_request_id: UUID
    customer_id: UUID
    provider_id: UUID
    lines: tuple[Line, ...]
    amounts: Amounts
    turnaround_days: int
    notes: str
    valid_until: datetime
    sent_at: datetime
    counter_offer: str = ""
    counter_net: Money | None = None
    reason: str = ""
    order_id: UUID | None = None
    provider_side: ProviderSide | None = None
    collection: Collection = SOLD_BY_COMPANY

    @property
    def live(self) -> bool:
        """Something may still become of it."""
        return LIFECYCLE.allows("expire", self.state)

    def price(self, unit_prices: Sequence[Money], pricing: Pricing, station_base: StationBase, now: datetime) -> None:
        """
        The company sets the price that the customer sees; again, after a counter-offer.

        Raises:
            WrongState: It is neither new nor countered.
            NotPricedByCompany: The customer was quoted the provider's own price.
            QuotationExpired, PricesDiffer, PriceOnWrongSide
            ResaleAsAgent: The provider sells.
        """
        self.collection.check_pricing(pricing)
        state = LIFECYCLE.after("price", self.state)
        if self.state == "countered" and self.provider_side is None:
            raise NotPricedByCompany
        if now >= self.valid_until:
            raise QuotationExpired
        side = self.provider_side
        lines, amounts = (side.lines, side.amounts) if side is not None else (self.lines, self.amounts)
        self.lines, self.amounts, self.provider_side = priced_by_company(
            lines, amounts, unit_prices, pricing, station_base
        )
        self.state = state

    def accept(self, order_id: UUID, now: datetime) -> None:
        """
        Raises:
            WrongState: It is not, or no longer, on offer; a countered one waits for the provider's answer.
            QuotationExpired: Its validity is over, even where the timer has not said so yet.
        """
        state = LIFECYCLE.after("accept", self.state)
        if now >= self.valid_until:
            raise QuotationExpired
        self.state = state
        self.order_id = order_id

    def counter(self, offer: str, net: Money | None, now: datetime) -> None:
        """Raises: WrongState, QuotationExpired, CounterCurrencyDiffers."""
        state = LIFECYCLE.after("counter", self.state)
        if now >= self.valid_until:
            raise QuotationExpired
        currency = self.amounts.net.currency
        if net is not None and net.currency != currency:
            raise CounterCurrencyDiffers(currency=currency)
        self.state = state
        self.counter_offer = offer
        self.counter_net = net

    def decline(self, reason: str) -> None:
        """Raises: WrongState."""
        self.state = LIFECYCLE.after("decline", self.state)
        self.reason = reason

    def withdraw(self, reason: str) -> None:
        """Raises: WrongState."""
        self.state = LIFECYCLE.after("withdraw", self.state)
        self.reason = reason

    def expire(self) -> None:
        """Raises: WrongState."""
        self.state = LIFECYCLE.after("expire", self.state)

    def supersede(self) -> None:
        """Raises: WrongState."""
        self.state = LIFECYCLE.after("supersede", self.state)


def validity(wanted: datetime | None, policy: Policy, now: datetime) -> datetime:
    """Until when a quotation binds. Raises: ValidityInvalid."""
    if wanted is None:
        return now + timedelta(days=policy.quotation_valid_days)
    if not now < wanted <= now + timedelta(days=VALID_DAYS_MAX):
        raise ValidityInvalid
    return wanted
