"""A quotation: versioned, binding and immutable once sent, frozen when accepted."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.orders.domain.policy import Policy
from services.orders.domain.pricing import Amounts, Line
from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money

QuotationState = Literal[
    "draft", "pending_approval", "sent", "accepted", "declined", "countered", "expired", "withdrawn", "superseded"
]

LIFECYCLE: Lifecycle[QuotationState] = Lifecycle(
    "quotation",
    {
        "accept": {"sent": "accepted"},
        "counter": {"sent": "countered"},
        "decline": {"sent": "declined", "countered": "declined"},
        "withdraw": {"sent": "withdrawn", "countered": "withdrawn"},
        "expire": {"sent": "expired", "countered": "expired"},
        "supersede": {"sent": "superseded", "countered": "superseded"},
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


class ForeignOffering(Invalid):
    """A provider quotes its own offerings."""

    code = "orders.foreign_offering"


@dataclass
class Quotation:
    """
    Attributes:
        version: Counts from 1 within its request and provider.
        turnaround_days: Working days from the release of the order and complete samples to the report.
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

    @property
    def live(self) -> bool:
        """Something may still become of it."""
        return LIFECYCLE.allows("expire", self.state)

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
