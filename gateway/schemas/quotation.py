"""Quotation requests and quotations. Sealed: a provider sees neither whom else was asked nor what they said."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from gateway.schemas.base import TURNAROUND, Listed, Schema, Shown
from services.shared.kernel.channel import CollectionModel
from services.shared.kernel.collection import ContractKind
from services.shared.kernel.money import Money
from services.shared.messages.base import Instant, Name, PositiveMoney, Quantity, Text, Unit
from services.shared.messages.orders.order import PaymentMethod
from services.shared.messages.orders.quotation import LineWanted, Pricing, ProjectFunds, QuotationState, StationBase
from services.shared.messages.orders.quotation_request import QuotationRequestState, SampleDescription


class DeclaredSample(Shown):
    customer_code: str
    description: str
    quantity: int
    hazards: str
    after_test: Literal["return", "destroy"]


class ProviderQuotationRequest(Shown):
    """A request, to one of the providers asked."""

    quotation_request_id: UUID
    number: str
    state: QuotationRequestState
    customer_id: UUID
    offering_id: UUID | None
    title: str
    requirements: str
    quantity: int
    samples: tuple[DeclaredSample, ...]
    respond_by: Instant
    opened_at: Instant


class CustomerQuotationRequest(ProviderQuotationRequest):
    """A request, to the customer and to the operating company: with everybody who was asked."""

    provider_ids: tuple[UUID, ...]


class QuotationRequestPage(Shown):
    items: tuple[CustomerQuotationRequest | ProviderQuotationRequest, ...]
    next_cursor: str | None


class QuotationRequestsListed(Listed):
    state: QuotationRequestState | None = None


class QuotationRequestToOpen(Schema):
    provider_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=20)]
    offering_id: UUID | None = None
    title: Name
    requirements: Text = ""
    quantity: Quantity = 1
    samples: Annotated[tuple[SampleDescription, ...], Field(max_length=100)] = ()
    respond_by: Instant


class ShownLine(Shown):
    """*net* after discount and *tax* on it, of the whole line; what the customer pays."""

    line: int
    offering_id: UUID | None
    title_zh: str
    title_en: str
    unit: Unit
    quantity: int
    unit_price: Money
    includes_tax: bool
    discount_bps: int
    discount: Money
    net: Money
    tax: Money


class ShownAmounts(Shown):
    discount: Money
    net: Money
    tax: Money
    gross: Money
    tax_rate_bps: int


class _Quotation(Shown):
    quotation_id: UUID
    number: Annotated[str, Field(examples=["QT-2026-000123"])]
    version: int
    state: QuotationState
    quotation_request_id: UUID
    provider_id: UUID
    lines: tuple[ShownLine, ...]
    amounts: ShownAmounts
    turnaround_working_days: Annotated[int, Field(description=TURNAROUND, validation_alias="turnaround_days")]
    notes: str
    valid_until: Instant
    sent_at: Instant
    counter_offer: str
    counter_net: Money | None
    order_id: UUID | None
    collection_model: Annotated[CollectionModel, Field(description="who sells: as agent the provider does")]
    contract_kind: Annotated[ContractKind, Field(description="other than testing: exempt once it is registered")]


class CustomerQuotation(_Quotation):
    """A quotation, to the customer who asked."""


class ProviderQuotation(_Quotation):
    """A quotation, to the provider who made it."""

    customer_id: UUID


class ShownProviderSide(Shown):
    """What the provider quoted, where the company's price to the customer is another one."""

    pricing: Pricing
    station_base: StationBase
    lines: tuple[ShownLine, ...]
    amounts: ShownAmounts


class OperatorQuotation(_Quotation):
    """A quotation, to the operating company."""

    customer_id: UUID
    provider_side: ShownProviderSide | None


ShownQuotation = OperatorQuotation | ProviderQuotation | CustomerQuotation


class QuotationPage(Shown):
    items: tuple[ShownQuotation, ...]
    next_cursor: str | None


class QuotationsListed(Listed):
    quotation_request_id: UUID | None = None
    state: QuotationState | None = None


class QuotationToSend(Schema):
    quotation_request_id: UUID
    lines: Annotated[tuple[LineWanted, ...], Field(min_length=1, max_length=200)]
    turnaround_working_days: Annotated[int, Field(ge=1, le=365, description=TURNAROUND)]
    notes: Text = ""
    valid_until: Annotated[Instant | None, Field(description="none: 30 days from now")] = None
    contract_kind: ContractKind = "testing"


class QuotationToPrice(Schema):
    """*unit_prices*: net, one for each line in their order. Resold at them, or taken off at the company's expense."""

    unit_prices: Annotated[tuple[PositiveMoney, ...], Field(min_length=1, max_length=200)]
    pricing: Pricing
    station_base: StationBase = "fee"


class QuotationAcceptance(Schema):
    payment_method: PaymentMethod
    project_funds: ProjectFunds | None = None


class CounterOffer(Schema):
    counter_offer: Name
    counter_net: PositiveMoney | None = None


class Reason(Schema):
    reason: Text = ""
