"""Samples and the shipments they travel in."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Code, Command, Event, Instant, Message, Name, Quantity, Query, Text, View
from services.shared.messages.orders.quotation_request import CUSTOMER

SampleState = Literal[
    "expected", "in_transit", "received", "in_use", "stored", "returned", "destroyed", "rejected", "lost", "recalled"
]
ShipmentState = Literal["prepared", "dispatched", "delivered", "returned", "lost"]
Condition = Literal["good", "damaged", "wrong", "incomplete"]

_BENCH: Grants = {"provider": frozenset({"technician", "lab_manager"})}


class SampleSummary(Message):
    """*code*: on the label, readable by man and scanner."""

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


class ShipmentSummary(Message):
    shipment_id: UUID
    number: str
    state: ShipmentState
    carrier: str
    tracking_number: str
    dispatched_at: Instant
    sample_ids: tuple[UUID, ...]


class DispatchShipment(Command):
    """The customer has handed the samples to a carrier. → ShipmentView"""

    wire_name: ClassVar = "orders.dispatch_shipment"
    grants: ClassVar[Grants] = CUSTOMER

    order_id: UUID
    carrier: Name
    tracking_number: Code
    sample_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=100)]


class ShipmentView(View):
    shipment_id: UUID
    number: str
    order_id: UUID
    state: ShipmentState
    carrier: str
    tracking_number: str
    dispatched_at: Instant
    sample_ids: tuple[UUID, ...]


class ReceiveSample(Command):
    """The provider has one kind of sample in hand, and says in what condition. → SampleView"""

    wire_name: ClassVar = "orders.receive_sample"
    grants: ClassVar[Grants] = _BENCH

    sample_id: UUID
    condition: Condition
    quantity: Quantity
    storage_place: Name
    note: Text = ""


class RejectSample(Command):
    """It cannot be tested; the reason tells the customer what to do. → SampleView"""

    wire_name: ClassVar = "orders.reject_sample"
    grants: ClassVar[Grants] = _BENCH

    sample_id: UUID
    reason: Name


class SampleView(View):
    sample_id: UUID
    order_id: UUID
    sample: SampleSummary


class GetPackingSheet(Query):
    """A presigned address of the sheet that goes into the parcel, with a QR label per sample. → DocumentLink"""

    wire_name: ClassVar = "orders.get_packing_sheet"
    grants: ClassVar[Grants] = {"customer": frozenset(), "provider": frozenset(), "operator": frozenset()}

    order_id: UUID


class _SampleEvent(Event):
    source: ClassVar = "orders"
    stream_of: ClassVar = ("order", "order_id")

    order_id: UUID
    customer_id: UUID
    provider_id: UUID


class ShipmentDispatched(_SampleEvent):
    """Samples are on their way."""

    wire_name: ClassVar = "shipment.dispatched.v1"

    shipment_id: UUID
    number: str
    carrier: str
    tracking_number: str
    sample_ids: tuple[UUID, ...]


class SampleReceived(_SampleEvent):
    """In the provider's hands."""

    wire_name: ClassVar = "sample.received.v1"

    sample_id: UUID
    code: str
    condition: Condition
    quantity: int


class SampleRejected(_SampleEvent):
    """Cannot be tested."""

    wire_name: ClassVar = "sample.rejected.v1"

    sample_id: UUID
    code: str
    reason: str
