"""Providers, offerings, search."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from gateway.schemas.base import TURNAROUND, Listed, Schema, Shown
from services.shared.kernel.money import Money
from services.shared.kernel.times import calendar_days
from services.shared.messages.base import BasisPoints, Instant, Name, Text, Unit
from services.shared.messages.catalog.offering import (
    TURNAROUND_WORKING_DAYS_MAX,
    OfferingContent,
    OfferingState,
    Price,
)
from services.shared.messages.catalog.provider import EntryStandard, ProviderState


class Provider(Shown):
    """A provider, to itself and to the operating company."""

    provider_id: UUID
    number: str
    state: ProviderState
    name_zh: str
    name_en: str
    region: str
    introduction: str
    entry_standards: tuple[EntryStandard, ...]
    applied_at: Instant
    reason: str
    framework_agreement_number: str


class ProviderPage(Shown):
    items: tuple[Provider, ...]
    next_cursor: str | None


class ProvidersListed(Listed):
    state: ProviderState | None = None


class ProviderApplication(Schema):
    name_zh: Name
    name_en: Name
    region: Annotated[Name, Field(description="GB/T 2260 code", examples=["310000"])]
    introduction: Text = ""
    entry_standards: tuple[EntryStandard, ...]


class ProviderDecision(Schema):
    decision: Literal["take_up", "approve", "reject", "suspend", "resume", "terminate"]
    reason: Text = ""
    framework_agreement_number: Annotated[
        Name | None,
        Field(description="of the agreement with the provider; none: the platform gives one on approval"),
    ] = None


class ShownDiscount(Shown):
    quantity: int
    discount_bps: BasisPoints


class ShownPrice(Shown):
    """Prices and what they are based on are public: charges must be."""

    valid_from: Instant
    unit_price: Money
    includes_tax: bool
    volume_discounts: tuple[ShownDiscount, ...]
    charge_basis: str


class ShownContent(Shown):
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
    turnaround_working_days: Annotated[int, Field(description=TURNAROUND)]
    orderable: bool


class Offering(Shown):
    """An offering, to anyone."""

    offering_id: UUID
    number: str
    provider_id: UUID
    provider_name_zh: str
    provider_name_en: str
    region: str
    state: OfferingState
    content: ShownContent
    prices: tuple[ShownPrice, ...]
    price: ShownPrice | None


class OwnOffering(Offering):
    """An offering, to its provider and to the operating company. *reason*: of the last step."""

    reason: str


class OfferingPage(Shown):
    items: tuple[OwnOffering, ...]
    next_cursor: str | None


class OfferingsListed(Listed):
    state: OfferingState | None = None


class ContentToKeep(Schema):
    """What a provider says of an offering."""

    title_zh: Name
    title_en: Name
    description_zh: Text = ""
    description_en: Text = ""
    method_zh: Name
    method_en: Name
    method_codes: Annotated[tuple[Name, ...], Field(examples=[["GB/T 228.1-2021"]])] = ()
    instrument: Text = ""
    instrument_class: Annotated[str, StringConstraints(pattern=r"^([0-9]{4,6})?$")] = ""
    unit: Unit
    turnaround_working_days: Annotated[int, Field(ge=1, le=TURNAROUND_WORKING_DAYS_MAX, description=TURNAROUND)]
    orderable: Annotated[bool, Field(description="at the published price, without a quotation")] = True

    def message(self) -> OfferingContent:
        """As catalog takes it, with the earlier field that its readers may still look at."""
        return OfferingContent(**dict(self), turnaround_days=calendar_days(self.turnaround_working_days))


class OfferingToDraft(Schema):
    content: ContentToKeep
    prices: Annotated[tuple[Price, ...], Field(max_length=50)] = ()


class OfferingChange(Schema):
    content: ContentToKeep


class OfferingStep(Schema):
    step: Literal["submit", "publish", "send_back", "hide", "show", "retire"]
    reason: Text = ""


class PriceToSet(Schema):
    price: Price


class Hit(Shown):
    offering_id: UUID
    number: str
    title_zh: str
    title_en: str
    method_zh: str
    method_en: str
    method_codes: tuple[str, ...]
    provider_id: UUID
    provider_name_zh: str
    provider_name_en: str
    region: str
    unit: Unit
    turnaround_working_days: Annotated[int, Field(description=TURNAROUND)]
    price: ShownPrice | None
    orderable: bool


class HitPage(Shown):
    items: tuple[Hit, ...]
    next_cursor: str | None
    total: int


class Searched(Listed):
    text: Annotated[str, Field(max_length=200)] = ""
    region: str | None = None
    provider_id: UUID | None = None
    unit: Unit | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20
