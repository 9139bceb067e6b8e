"""Orders: what was agreed and for how much. Samples, analyses and reports have states of their own."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants, Relation
from services.shared.kernel.channel import CollectionModel
from services.shared.kernel.collection import CollectionReason, ContractKind
from services.shared.kernel.fee import Fee
from services.shared.kernel.money import Money
from services.shared.kernel.payment_schedule import ALL_BEFORE_WORK, PaymentPart
from services.shared.kernel.tax import TaxProfile
from services.shared.messages.base import (
    BasisPoints,
    Command,
    Event,
    Instant,
    Message,
    MoneyOrZero,
    Page,
    Quantity,
    Query,
    Text,
    View,
)
from services.shared.messages.orders.contract import ContractSummary
from services.shared.messages.orders.quotation import Amounts, Line, ProjectFunds, ProviderSide, StationBase
from services.shared.messages.orders.quotation_request import CUSTOMER, OPERATOR, SampleDescription
from services.shared.messages.orders.report import ReportSummary
from services.shared.messages.orders.sample import SampleSummary, ShipmentSummary

OrderState = Literal["placed", "contracted", "released", "in_progress", "delivered", "accepted", "closed", "cancelled"]
PaymentMethod = Literal["card", "bank_transfer", "credit", "project_funds", "platform_channel", "direct_transfer"]
"""*credit*: invoice first, on the customer's credit line; *project_funds*: the provider's own people, no invoice. Where
the provider sells: *platform_channel* splits at source, *direct_transfer* goes to its account or into custody."""
CoverKind = Literal["voucher", "credit", "funding"]
ReleaseReason = Literal["paid", "deposit", "credit", "internal"]

PARTIES: Grants = {
    "customer": frozenset(), "provider": frozenset(), "station": frozenset(), "operator": frozenset(),
}  # fmt: skip


class Terms(Message):
    """
    What was frozen when the contract was signed: whatever changes later, this order settles by it.

    Attributes:
        fee_bps: Management fee, of the net: the percentages in *fee* together.
        station_id: The station that brought the order in, or none.
        station_bps: Its share of the fee.
        provider_tax: How the provider invoices the company.
        station_tax: How the station does.
        acceptance_days: After delivery, until the order counts as accepted.
        hold_days: After acceptance, until it may be paid out.
        objection_days: In which the customer may object to a report.
        cancellation_fee_bps: Kept of the gross, when it is cancelled after its release and before its first sample.
        cancellation_provider_bps: The provider's part of that.
        payment_schedule: Which part of the price is due when.
        net_days: After the invoice, until what is due on acceptance is to be paid.
        fee: How the management fee is computed; none, from senders of before: *fee_bps* of the net.
        provider_net: N_p, what the provider earns by the whole order, without the tax on its invoice.
        company_discount: What the company takes off at its own expense: fee and provider's part are of the customer's
            net and this together.
        buy_net: Resale: what the company pays the provider, whatever the customer pays.
        station_base: What the station's share is taken of: the fee, or with resale the margin.
        collection_agreement_id, collection_reason: By what the company is principal or agent; none: it sells, as its
            general terms say.
        commission_rate_bps: Agent: at which VAT rate the company invoices its commission; the price is then taxed at
            the provider's, who invoices the customer.
        contract_kind: *technology_…*: exempt from VAT once the contract is registered.
    """

    collection_model: CollectionModel
    payment_method: PaymentMethod
    fee_bps: BasisPoints
    station_id: UUID | None
    station_bps: BasisPoints
    provider_tax: TaxProfile
    station_tax: TaxProfile | None
    acceptance_days: int
    hold_days: int
    objection_days: int
    commission_plan_id: UUID
    cancellation_fee_bps: BasisPoints = 0
    cancellation_provider_bps: BasisPoints = 0
    payment_schedule: Annotated[tuple[PaymentPart, ...], Field(min_length=1)] = ALL_BEFORE_WORK
    net_days: Annotated[int, Field(ge=0)] = 0
    fee: Fee | None = None
    provider_net: MoneyOrZero | None = None
    company_discount: MoneyOrZero | None = None
    buy_net: MoneyOrZero | None = None
    station_base: StationBase = "fee"
    collection_agreement_id: UUID | None = None
    collection_reason: CollectionReason | None = None
    commission_rate_bps: BasisPoints | None = None
    contract_kind: ContractKind = "testing"


class Cover(Message):
    """A part of the price that is sure without being paid."""

    kind: CoverKind
    amount: Money


class Step(Message):
    """One line of an order's history: what happened, when, and who did it (empty: the platform)."""

    what: str
    at: Instant
    by: str


class OrderView(View):
    """
    An order with what hangs on it. The gateway shows each party its side only.

    Attributes:
        seen_as: In which relation the asker stands to it.
        terms: None until it is contracted.
        turnaround_days: Working days from the release and complete samples to the report.
        lines, amounts: To the provider its own, to everybody else what the customer pays.
        provider_side: What the provider is ordered to do at which prices where they are others; for the operating
            company only.
        blocked_by: Why it does not move, as codes: what the screen turns into a sentence and a button.
    """

    order_id: UUID
    number: str
    state: OrderState
    seen_as: Relation
    customer_id: UUID
    customer_name: str
    provider_id: UUID
    provider_name: str
    station_id: UUID | None
    quotation_id: UUID | None
    lines: tuple[Line, ...]
    amounts: Amounts
    terms: Terms | None
    payment_method: PaymentMethod
    samples_declared: tuple[SampleDescription, ...]
    turnaround_days: int
    placed_at: Instant
    contracted_at: Instant | None
    released_at: Instant | None
    delivered_at: Instant | None
    accepted_at: Instant | None
    accept_by: Instant | None
    blocked_by: tuple[str, ...]
    contract: ContractSummary | None
    shipments: tuple[ShipmentSummary, ...]
    samples: tuple[SampleSummary, ...]
    reports: tuple[ReportSummary, ...]
    timeline: tuple[Step, ...]
    provider_side: ProviderSide | None = None


class OrderReceipt(View):
    """What placing an order answers: enough to go on, and quick to make."""

    order_id: UUID
    number: str
    state: OrderState
    amounts: Amounts


class OfferingWanted(Message):
    offering_id: UUID
    quantity: Quantity


class PlaceOrder(Command):
    """Order at the published price; all offerings of one provider. → OrderReceipt"""

    wire_name: ClassVar = "orders.place_order"
    grants: ClassVar[Grants] = {"self": frozenset({"requester", "approver"})}

    offerings: Annotated[tuple[OfferingWanted, ...], Field(min_length=1, max_length=50)]
    samples: Annotated[tuple[SampleDescription, ...], Field(max_length=100)] = ()
    payment_method: PaymentMethod
    notes: Text = ""
    project_funds: ProjectFunds | None = None


class AcceptOrder(Command):
    """The customer takes the reports as the agreed performance. → OrderReceipt"""

    wire_name: ClassVar = "orders.accept_order"
    grants: ClassVar[Grants] = CUSTOMER

    order_id: UUID


class CancelOrder(Command):
    """
    Before the first sample has arrived, by the customer or the operating company. → OrderReceipt

    After the release the contract's cancellation fee is kept. *free*: it is not; only the operating company says so.
    """

    wire_name: ClassVar = "orders.cancel_order"
    grants: ClassVar[Grants] = {**CUSTOMER, **OPERATOR}

    order_id: UUID
    reason: Text = ""
    free: bool = False


class GetOrder(Query):
    """→ OrderView"""

    wire_name: ClassVar = "orders.get_order"
    grants: ClassVar[Grants] = PARTIES

    order_id: UUID


class ListOrders(Query):
    """Those the organisation is a party to; all for the operating company; newest first. → OrderPage"""

    wire_name: ClassVar = "orders.list_orders"
    grants: ClassVar[Grants] = {"self": frozenset(), "operator": frozenset()}

    state: OrderState | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class OrderSummary(Message):
    order_id: UUID
    number: str
    state: OrderState
    seen_as: Relation
    customer_id: UUID
    provider_id: UUID
    station_id: UUID | None
    amounts: Amounts
    placed_at: Instant


class OrderPage(Page):
    items: tuple[OrderSummary, ...]


class _OrderEvent(Event):
    source: ClassVar = "orders"
    stream_of: ClassVar = ("order", "order_id")

    order_id: UUID
    number: str
    customer_id: UUID
    provider_id: UUID


class OrderPlaced(_OrderEvent):
    """The order exists; its contract is being made."""

    wire_name: ClassVar = "order.placed.v1"

    quotation_id: UUID | None
    lines: tuple[Line, ...]
    amounts: Amounts
    payment_method: PaymentMethod
    placed_at: Instant
    collection_model: CollectionModel = "principal_own_account"


class OrderContracted(_OrderEvent):
    """All have signed; the money is due; everything that decides about it is frozen in *terms*."""

    wire_name: ClassVar = "order.contracted.v1"

    contract_id: UUID
    contract_number: str
    lines: tuple[Line, ...]
    amounts: Amounts
    terms: Terms
    contracted_at: Instant
    project_funds: ProjectFunds | None = None


class OrderReleased(_OrderEvent):
    """Work may begin, because the price is paid, its first part is, it is on credit, or own funds pay it."""

    wire_name: ClassVar = "order.released.v1"

    reason: ReleaseReason
    released_at: Instant


class OrderInProgress(_OrderEvent):
    """The first sample has arrived."""

    wire_name: ClassVar = "order.in_progress.v1"


class OrderDelivered(_OrderEvent):
    """Every line has its report; the customer has until *accept_by*."""

    wire_name: ClassVar = "order.delivered.v1"

    delivered_at: Instant
    accept_by: Instant


class OrderAccepted(_OrderEvent):
    """
    The performance is accepted: revenue, cost and shares are due. Carries every figure they follow from.

    Attributes:
        covers: What stood in for payments when it was accepted.
    """

    wire_name: ClassVar = "order.accepted.v1"

    contract_number: str
    amounts: Amounts
    terms: Terms
    accepted_by: Literal["customer", "timer"]
    accepted_at: Instant
    covers: tuple[Cover, ...] = ()


class OrderClosed(_OrderEvent):
    """The provider is paid and nothing is open."""

    wire_name: ClassVar = "order.closed.v1"


class OrderCancelled(_OrderEvent):
    """
    It will not be done. What was paid goes back but for what is *kept*; *to_provider* is the provider's part of that.

    Nothing was performed: there is no VAT on it. None: there is no fee.
    """

    wire_name: ClassVar = "order.cancelled.v1"

    reason: str
    kept: Money | None = None
    to_provider: Money | None = None
