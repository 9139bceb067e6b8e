"""Quotations: versioned, immutable once sent, frozen when accepted."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.kernel.channel import CollectionModel
from services.shared.kernel.collection import ContractKind
from services.shared.kernel.money import Money
from services.shared.messages.base import (
    BasisPoints,
    Command,
    Event,
    Instant,
    Message,
    MoneyOrZero,
    Name,
    Page,
    PositiveMoney,
    Quantity,
    Query,
    Text,
    Unit,
    View,
)
from services.shared.messages.orders.quotation_request import CUSTOMER, OPERATOR, PROVIDER

QuotationState = Literal[
    "draft", "pending_approval", "sent", "accepted", "declined", "countered", "expired", "withdrawn", "superseded"
]


Pricing = Literal["resale", "discount"]
StationBase = Literal["fee", "margin"]


class LineWanted(Message):
    """
    A line as the provider writes it.

    Attributes:
        unit_price: Net of VAT, or with it where *includes_tax*.
        reason: Why the price differs from the price list; required where there is no offering, and where the
            price is in another currency than the offering's price list.
    """

    offering_id: UUID | None = None
    title_zh: Name
    title_en: Name
    unit: Unit
    quantity: Quantity
    unit_price: PositiveMoney
    includes_tax: bool = False
    discount_bps: BasisPoints = 0
    reason: Text = ""


class Line(Message):
    """A line as it was priced. *net* after discount, *tax* on it, both of the whole line."""

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


class Amounts(Message):
    """
    What the customer pays: *gross* = *net* + *tax*.

    Attributes:
        discount: What the seller took off; already left out of *net*.
        tax_rate_bps: The seller of record's VAT rate.
    """

    discount: MoneyOrZero
    net: MoneyOrZero
    tax: MoneyOrZero
    gross: MoneyOrZero
    tax_rate_bps: BasisPoints


class ProviderSide(Message):
    """
    What the provider quoted, where the company's price to the customer is another one.

    Attributes:
        pricing: `resale`: bought at this price and sold at the company's; `discount`: the company takes off at its
            own expense.
        station_base: With resale what the station's share is taken of.
    """

    pricing: Pricing
    station_base: StationBase
    lines: tuple[Line, ...]
    amounts: Amounts


class QuotationView(View):
    """
    A quotation as its parties see it. Where the company priced it, *lines* and *amounts* are the company's price for
    the customer and the operating company, and what it quoted for the provider.

    Attributes:
        provider_side: For the operating company only.
        collection_model: Who sells: the company, or as its principal the provider.
        contract_kind: *technology_…*: exempt from VAT once the contract is registered.
        version: Counts from 1 within its request and provider; a later one supersedes an earlier one.
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
    valid_until: Instant
    sent_at: Instant
    counter_offer: str
    counter_net: Money | None
    order_id: UUID | None
    provider_side: ProviderSide | None = None
    collection_model: CollectionModel = "principal_own_account"
    contract_kind: ContractKind = "testing"


class SendQuotation(Command):
    """
    A provider answers a request, or answers again: then its earlier version is superseded. → QuotationView

    Attributes:
        turnaround_days: Working days from the release of the order and complete samples to the report.
        contract_kind: *technology_…*: exempt from VAT once the contract is registered; refused where the company sells.
    """

    wire_name: ClassVar = "orders.send_quotation"
    grants: ClassVar[Grants] = PROVIDER

    quotation_request_id: UUID
    lines: Annotated[tuple[LineWanted, ...], Field(min_length=1, max_length=200)]
    turnaround_days: Annotated[int, Field(ge=1, le=365)]
    notes: Text = ""
    valid_until: Instant | None = None
    """None: 30 days from now."""
    contract_kind: ContractKind = "testing"


class PriceQuotation(Command):
    """
    The company sets the price that the customer sees, before it sees any, or after its counter-offer. → QuotationView

    Attributes:
        unit_prices: Net, one for each line in their order.
    """

    wire_name: ClassVar = "orders.price_quotation"
    grants: ClassVar[Grants] = OPERATOR

    quotation_id: UUID
    unit_prices: Annotated[tuple[PositiveMoney, ...], Field(min_length=1, max_length=200)]
    pricing: Pricing
    station_base: StationBase = "fee"


class ProjectFunds(Message):
    """Which of the university's projects pays an order of its own people, and who answers for the project's money."""

    project_number: Name
    responsible_person: Name


class AcceptQuotation(Command):
    """Freezes it and makes the order. → OrderView"""

    wire_name: ClassVar = "orders.accept_quotation"
    grants: ClassVar[Grants] = CUSTOMER

    quotation_id: UUID
    payment_method: Literal["card", "bank_transfer", "credit", "project_funds", "platform_channel", "direct_transfer"]
    project_funds: ProjectFunds | None = None


class CounterQuotation(Command):
    """
    The customer names what it would take; the provider may send another version. → QuotationView

    Attributes:
        counter_net: Without VAT, in the quotation's currency.
    """

    wire_name: ClassVar = "orders.counter_quotation"
    grants: ClassVar[Grants] = CUSTOMER

    quotation_id: UUID
    counter_offer: Name
    counter_net: PositiveMoney | None = None


class DeclineQuotation(Command):
    """→ QuotationView"""

    wire_name: ClassVar = "orders.decline_quotation"
    grants: ClassVar[Grants] = CUSTOMER

    quotation_id: UUID
    reason: Text = ""


class WithdrawQuotation(Command):
    """→ QuotationView"""

    wire_name: ClassVar = "orders.withdraw_quotation"
    grants: ClassVar[Grants] = PROVIDER

    quotation_id: UUID
    reason: Text = ""


class GetQuotation(Query):
    """→ QuotationView"""

    wire_name: ClassVar = "orders.get_quotation"
    grants: ClassVar[Grants] = {"customer": frozenset(), "provider": frozenset(), "operator": frozenset()}

    quotation_id: UUID


class ListQuotations(Query):
    """Of one request, or all the organisation may see; newest first. → QuotationPage"""

    wire_name: ClassVar = "orders.list_quotations"
    grants: ClassVar[Grants] = {"self": frozenset(), "operator": frozenset()}

    quotation_request_id: UUID | None = None
    state: QuotationState | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class QuotationPage(Page):
    items: tuple[QuotationView, ...]


class _QuotationEvent(Event):
    source: ClassVar = "orders"
    stream_of: ClassVar = ("quotation_request", "quotation_request_id")

    quotation_id: UUID
    number: str
    version: int
    quotation_request_id: UUID
    customer_id: UUID
    provider_id: UUID


class QuotationSent(_QuotationEvent):
    """Binding until *valid_until*."""

    wire_name: ClassVar = "quotation.sent.v1"

    lines: tuple[Line, ...]
    amounts: Amounts
    valid_until: Instant


class QuotationSuperseded(_QuotationEvent):
    """The provider sent a later version."""

    wire_name: ClassVar = "quotation.superseded.v1"


class QuotationCountered(_QuotationEvent):
    """The customer would take it on other terms."""

    wire_name: ClassVar = "quotation.countered.v1"

    counter_net: Money | None


class QuotationAccepted(_QuotationEvent):
    """Frozen; `order.placed` follows."""

    wire_name: ClassVar = "quotation.accepted.v1"

    order_id: UUID
    amounts: Amounts


class QuotationDeclined(_QuotationEvent):
    """The customer does not want it."""

    wire_name: ClassVar = "quotation.declined.v1"


class QuotationExpired(_QuotationEvent):
    """Its validity ended."""

    wire_name: ClassVar = "quotation.expired.v1"


class QuotationWithdrawn(_QuotationEvent):
    """The provider took it back before it was accepted."""

    wire_name: ClassVar = "quotation.withdrawn.v1"
