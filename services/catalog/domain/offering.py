"""An offering: what a provider sells, in which unit, and at what price from when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Literal, Protocol, TypeVar
from uuid import UUID

from services.catalog.domain.provider import Provider, ProviderState, ReasonRequired
from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money

OfferingState = Literal["draft", "in_review", "published", "hidden", "retired"]
Step = Literal["submit", "publish", "send_back", "hide", "show", "retire"]
Hider = Literal["", "provider", "operator", "suspension"]
Unit = Literal["sample", "hour", "half_hour", "day", "element", "component", "scan", "block", "set", "batch", "item"]

LIFECYCLE: Lifecycle[OfferingState] = Lifecycle(
    "offering",
    {
        "submit": {"draft": "in_review"},
        "publish": {"in_review": "published"},
        "send_back": {"in_review": "draft"},
        "hide": {"published": "hidden"},
        "show": {"hidden": "published"},
        "retire": {"draft": "retired", "in_review": "retired", "published": "retired", "hidden": "retired"},
        # What is under review stays as the reviewer reads it.
        "change": {"draft": "draft", "published": "published", "hidden": "hidden"},
    },
)

_ACTIVE: frozenset[ProviderState] = frozenset({"applied", "under_review", "approved", "suspended"})


class NotAProvider(Conflict):
    """Only an organisation that has applied to sell, and was not refused, keeps offerings."""

    code = "catalog.not_a_provider"


class ProviderNotApproved(Conflict):
    """The provider may not sell at present."""

    code = "catalog.provider_not_approved"


class NotReadyForPublication(Conflict):
    """Something that publication needs is missing."""

    code = "catalog.offering_not_ready"


class PriceFromTaken(Conflict):
    """The price list has an entry from this instant already."""

    code = "catalog.price_from_taken"


class PriceInThePast(Invalid):
    """What was published may not have been dearer or cheaper in the past."""

    code = "catalog.price_in_the_past"


class PriceCurrencyDiffers(Invalid):
    """All entries of one price list are in one currency."""

    code = "catalog.price_currency_differs"


class VolumeDiscountsOutOfOrder(Invalid):
    """Volume discounts rise with the quantity, each quantity once, and stay below the whole price."""

    code = "catalog.volume_discounts_out_of_order"


class UnitFixed(Conflict):
    """The unit of an offering that was published stays: its prices are meant per this unit."""

    code = "catalog.unit_fixed"


class HiddenByAnother(Conflict):
    """Who hid it shows it again."""

    code = "catalog.hidden_by_another"


@dataclass(frozen=True, slots=True)
class VolumeDiscount:
    """From *quantity* units on, *discount_bps* off the whole line."""

    quantity: int
    discount_bps: int


@dataclass(frozen=True, slots=True)
class Price:
    """An entry of the price list; holds from *valid_from* until the next entry's."""

    valid_from: datetime
    unit_price: Money
    includes_tax: bool
    volume_discounts: tuple[VolumeDiscount, ...]
    charge_basis: str


@dataclass(frozen=True, slots=True)
class Content:
    """
    What the provider says of it; the fields are explained on the message of the same fields.

    Attributes:
        turnaround_working_days: From the release of the order and complete samples to the report.
    """

    title_zh: str
    title_en: str
    description_zh: str
    description_en: str
    method_zh: str
    method_en: str
    method_codes: tuple[str, ...]
    instrument: str
    instrument_class: str
    unit: Unit
    turnaround_working_days: int
    orderable: bool


class Dated(Protocol):
    @property
    def valid_from(self) -> datetime: ...


D = TypeVar("D", bound=Dated)


def price_at(prices: Iterable[D], at: datetime) -> D | None:
    """The entry of the price list *prices* in force at *at*, none before the first."""
    return max((price for price in prices if price.valid_from <= at), key=lambda price: price.valid_from, default=None)


def added(prices: Sequence[Price], price: Price, *, replace: bool) -> tuple[Price, ...]:
    """
    The price list *prices* with *price* in its place by `valid_from`.

    With *replace* an entry from the same instant gives way instead of being in the way.

    Raises:
        PriceFromTaken, PriceCurrencyDiffers, VolumeDiscountsOutOfOrder
    """
    _check_discounts(price.volume_discounts)
    others = [other for other in prices if other.valid_from != price.valid_from]
    if len(others) != len(prices) and not replace:
        raise PriceFromTaken
    if any(other.unit_price.currency != price.unit_price.currency for other in others):
        raise PriceCurrencyDiffers(currency=price.unit_price.currency)
    return tuple(sorted([*others, price], key=lambda entry: entry.valid_from))


def _check_discounts(discounts: Sequence[VolumeDiscount]) -> None:
    rising = all(
        first.quantity < second.quantity and first.discount_bps < second.discount_bps
        for first, second in pairwise(discounts)
    )
    if not rising or any(not 0 < discount.discount_bps < 10_000 for discount in discounts):
        raise VolumeDiscountsOutOfOrder


@dataclass
class Offering:
    """
    Attributes:
        prices: The price list, by `valid_from`, each instant once.
        hidden_by: Who hid it, while it is hidden: its provider, the operating company, or the suspension of
            its provider; empty otherwise.
    """

    offering_id: UUID
    provider_id: UUID
    number: str
    content: Content
    drafted_at: datetime
    prices: tuple[Price, ...] = ()
    state: OfferingState = "draft"
    hidden_by: Hider = ""
    reason: str = ""
    version: int = field(default=0)

    def move(self, step: Step, *, by: Literal["provider", "operator"], reason: str, seller: Provider) -> None:
        """
        Take a step of its life.

        The operating company needs a *reason* where it decides against the provider. *seller* is the provider,
        kept from changing meanwhile.

        Raises:
            WrongState, ReasonRequired, ProviderNotApproved, NotReadyForPublication, HiddenByAnother
        """
        state = LIFECYCLE.after(step, self.state)
        if by == "operator" and step in {"send_back", "hide"} and not reason:
            raise ReasonRequired
        if step == "show" and by == "provider" and self.hidden_by != "provider":
            raise HiddenByAnother(hidden_by=self.hidden_by)
        if state == "published":
            self._check_publication(seller)
        self.state = state
        self.hidden_by = by if state == "hidden" else ""
        self.reason = reason

    def change(self, content: Content) -> None:
        """
        Replace what it says.

        Raises:
            WrongState: Under review or retired.
            UnitFixed: The unit would change although it was published.
        """
        LIFECYCLE.after("change", self.state)
        if self.state != "draft" and content.unit != self.content.unit:
            raise UnitFixed(unit=self.content.unit)
        self.content = content

    def set_price(self, price: Price, *, now: datetime) -> None:
        """
        Add *price* to the price list. In a draft it may start at any time and replaces an entry of the same instant.

        Raises:
            WrongState: Under review or retired.
            PriceInThePast, PriceFromTaken, PriceCurrencyDiffers, VolumeDiscountsOutOfOrder
        """
        LIFECYCLE.after("change", self.state)
        draft = self.state == "draft"
        if not draft and price.valid_from < now:
            raise PriceInThePast
        self.prices = added(self.prices, price, replace=draft)

    def _check_publication(self, seller: Provider) -> None:
        if seller.state != "approved":
            raise ProviderNotApproved(provider_state=seller.state)
        missing = [name for name in ("title_zh", "title_en") if not getattr(self.content, name).strip()]
        # The last entry of a list is always in force or coming, so any entry with its basis will do.
        if not any(price.charge_basis.strip() for price in self.prices):
            missing.append("price_with_charge_basis")
        if missing:
            raise NotReadyForPublication(missing=missing)


def check_may_offer(provider: Provider | None) -> Provider:
    """
    The provider, if it may keep offerings at all; selling them needs approval beside.

    Raises:
        NotAProvider
    """
    if provider is None or provider.state not in _ACTIVE:
        raise NotAProvider
    return provider
