"""Orders, and each party's side of one. The fee and the station's share of it are not the customer's business."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from gateway.schemas.base import TURNAROUND, Listed, Schema, Shown
from gateway.schemas.quotation import DeclaredSample, ShownAmounts, ShownLine, ShownProviderSide
from services.shared.kernel.channel import CollectionModel
from services.shared.kernel.collection import CollectionReason, ContractKind
from services.shared.kernel.fee import Fee
from services.shared.kernel.money import Money
from services.shared.kernel.payment_schedule import PaymentPart
from services.shared.kernel.tax import TaxProfile
from services.shared.messages.base import Instant, Text
from services.shared.messages.orders.contract import ContractState, Paper
from services.shared.messages.orders.order import OfferingWanted, OrderState, PaymentMethod
from services.shared.messages.orders.quotation import ProjectFunds, StationBase
from services.shared.messages.orders.quotation_request import SampleDescription
from services.shared.messages.orders.report import ReportState
from services.shared.messages.orders.sample import Condition, SampleState, ShipmentState

PartyName = Literal["customer", "provider", "station", "operator", "platform"]


class Step(Shown):
    """One line of an order's history. *by*: which party, never which person."""

    what: str
    at: Instant
    by: PartyName


class Timeline(Shown):
    items: tuple[Step, ...]


class PaperSummary(Shown):
    paper: Paper
    sha256: str
    size_bytes: int


class SignatureSummary(Shown):
    paper: Paper
    party: Literal["customer", "provider", "operator"]
    signatory: str
    signed_at: Instant
    sha256: str


class OrderContract(Shown):
    contract_id: UUID
    number: str
    state: ContractState
    documents: tuple[PaperSummary, ...]
    signatures: tuple[SignatureSummary, ...]
    awaiting: tuple[str, ...]


class OrderShipment(Shown):
    shipment_id: UUID
    number: str
    state: ShipmentState
    carrier: str
    tracking_number: str
    dispatched_at: Instant
    sample_ids: tuple[UUID, ...]


class OrderSample(Shown):
    sample_id: UUID
    code: str
    customer_code: str
    description: str
    state: SampleState
    quantity: int
    quantity_received: int | None
    condition: Condition | None
    note: str
    received_at: Instant | None


class OrderReport(Shown):
    report_id: UUID
    number: str
    state: ReportState
    lines: tuple[int, ...]
    sha256: str
    size_bytes: int
    check_code: str
    issued_at: Instant | None


class ProviderOrderReport(OrderReport):
    problem: str


class CustomerTerms(Shown):
    payment_method: PaymentMethod
    payment_schedule: tuple[PaymentPart, ...]
    net_days: int
    acceptance_days: int
    objection_days: int
    collection_model: CollectionModel
    contract_kind: ContractKind


class ProviderTerms(Shown):
    """
    *fee_bps*: the percentages in *fee*, the management fee that the provider bears, of the net.

    *provider_net*: what it earns by the whole order, without the tax on its invoice.
    """

    fee_bps: int
    fee: Fee | None
    provider_net: Money | None
    provider_tax: TaxProfile
    acceptance_days: int
    hold_days: int
    objection_days: int
    collection_model: CollectionModel
    contract_kind: ContractKind


class StationTerms(Shown):
    fee_bps: int
    fee: Fee | None
    station_bps: int
    station_tax: TaxProfile | None
    hold_days: int


class OperatorTerms(Shown):
    collection_model: CollectionModel
    collection_agreement_id: UUID | None
    collection_reason: CollectionReason | None
    commission_rate_bps: int | None
    contract_kind: ContractKind
    payment_method: PaymentMethod
    fee_bps: int
    station_id: UUID | None
    station_bps: int
    provider_tax: TaxProfile
    station_tax: TaxProfile | None
    acceptance_days: int
    hold_days: int
    objection_days: int
    commission_plan_id: UUID
    payment_schedule: tuple[PaymentPart, ...]
    net_days: int
    fee: Fee | None
    provider_net: Money | None
    company_discount: Money | None
    buy_net: Money | None
    station_base: StationBase


class StationOrder(Shown):
    """An order, to the station that brought it in: what its share follows from, and nothing of the work."""

    order_id: UUID
    number: str
    state: OrderState
    amounts: ShownAmounts
    terms: StationTerms | None
    placed_at: Instant
    accepted_at: Instant | None


class _Order(Shown):
    order_id: UUID
    number: Annotated[str, Field(examples=["OR-2026-000123"])]
    state: OrderState
    customer_id: UUID
    customer_name: str
    provider_id: UUID
    provider_name: str
    quotation_id: UUID | None
    lines: tuple[ShownLine, ...]
    amounts: ShownAmounts
    payment_method: PaymentMethod
    samples_declared: tuple[DeclaredSample, ...]
    turnaround_working_days: Annotated[int, Field(description=TURNAROUND, validation_alias="turnaround_days")]
    placed_at: Instant
    contracted_at: Instant | None
    released_at: Instant | None
    delivered_at: Instant | None
    accepted_at: Instant | None
    accept_by: Instant | None
    blocked_by: Annotated[tuple[str, ...], Field(description="why it does not move, as codes; empty: nothing")]
    contract: OrderContract | None
    shipments: tuple[OrderShipment, ...]
    samples: tuple[OrderSample, ...]


class CustomerOrder(_Order):
    """An order, to its customer."""

    terms: CustomerTerms | None
    reports: tuple[OrderReport, ...]


class ProviderOrder(_Order):
    """An order, to its provider."""

    terms: ProviderTerms | None
    reports: tuple[ProviderOrderReport, ...]


class OperatorOrder(_Order):
    """An order, to the operating company."""

    station_id: UUID | None
    provider_side: ShownProviderSide | None
    terms: OperatorTerms | None
    reports: tuple[ProviderOrderReport, ...]


ShownOrder = OperatorOrder | ProviderOrder | CustomerOrder | StationOrder


class OrderSummary(Shown):
    order_id: UUID
    number: str
    state: OrderState
    customer_id: UUID
    provider_id: UUID
    amounts: ShownAmounts
    placed_at: Instant


class OrderPage(Shown):
    items: tuple[OrderSummary, ...]
    next_cursor: str | None


class OrdersListed(Listed):
    state: OrderState | None = None


class OrderReceipt(Shown):
    order_id: UUID
    number: str
    state: OrderState
    amounts: ShownAmounts


class OrderToPlace(Schema):
    offerings: Annotated[tuple[OfferingWanted, ...], Field(min_length=1, max_length=50)]
    samples: Annotated[tuple[SampleDescription, ...], Field(max_length=100)] = ()
    payment_method: PaymentMethod
    notes: Text = ""
    project_funds: ProjectFunds | None = None


class OrderCancellation(Schema):
    reason: Text = ""


class OrderDocument(Shown):
    """A file that hangs on an order. *href*: ask there for an address that holds five minutes."""

    kind: Literal["contract", "order_sheet", "packing_sheet", "report", "invoice_pdf", "invoice_xml"]
    number: str
    href: str
    sha256: str


class OrderDocuments(Shown):
    """*missing*: services that did not answer; what they keep is not listed, which does not mean there is none."""

    items: tuple[OrderDocument, ...]
    missing: tuple[str, ...]
