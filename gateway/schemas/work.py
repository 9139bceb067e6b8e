"""What happens between contract and acceptance: contracts, shipments, samples, analyses, reports."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from gateway.schemas.base import Schema, Shown
from gateway.schemas.order import OrderContract, OrderSample
from services.shared.messages.base import Code, Instant, Name, Quantity, Sha256, Text
from services.shared.messages.orders.analysis import AnalysisState
from services.shared.messages.orders.report import REPORT_BYTES_MAX, ReportState
from services.shared.messages.orders.sample import Condition, ShipmentState


class DocumentLink(Shown):
    """*url* holds for five minutes; none while the document is being made."""

    url: str | None
    sha256: str
    size_bytes: int
    filename: str


class Contract(OrderContract):
    """A contract, with the papers the asker may see."""

    order_id: UUID
    customer_id: UUID
    provider_id: UUID


class SignatureToGive(Schema):
    signatory: Annotated[Name, Field(description="the person who signs, by name")]
    sha256: Annotated[Sha256, Field(description="of the document that was read")]


class ShipmentToDispatch(Schema):
    order_id: UUID
    carrier: Name
    tracking_number: Code
    sample_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=100)]


class Shipment(Shown):
    shipment_id: UUID
    number: str
    order_id: UUID
    state: ShipmentState
    carrier: str
    tracking_number: str
    dispatched_at: Instant
    sample_ids: tuple[UUID, ...]


class SampleReceipt(Schema):
    condition: Condition
    quantity: Quantity
    storage_place: Name
    note: Text = ""


class SampleRejection(Schema):
    reason: Name


class Sample(Shown):
    sample_id: UUID
    order_id: UUID
    sample: OrderSample


class AnalysisToStart(Schema):
    order_id: UUID
    line: Annotated[int, Field(ge=1)]


class AnalysisResult(Schema):
    machine_minutes: Annotated[int, Field(ge=0, le=1_000_000)]
    note: Text = ""


class Analysis(Shown):
    analysis_id: UUID
    order_id: UUID
    line: int
    state: AnalysisState
    started_at: Instant | None
    finished_at: Instant | None
    machine_minutes: int | None


class ReportToDraft(Schema):
    order_id: UUID
    lines: Annotated[tuple[int, ...], Field(min_length=1, max_length=200)]
    title: Name
    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=1, le=REPORT_BYTES_MAX)]
    media_type: Literal["application/pdf"] = "application/pdf"


class CustomerReport(Shown):
    """A report, to the customer."""

    report_id: UUID
    number: str
    state: ReportState
    order_id: UUID
    lines: tuple[int, ...]
    title: str
    sha256: str
    size_bytes: int
    check_code: str
    issued_at: Instant | None


class ProviderReport(CustomerReport):
    """A report, to the provider and to the operating company. *upload_url*: where to PUT the file."""

    upload_url: str | None
    problem: str


class ReportCheck(Shown):
    """What anyone may know of a report whose code they have."""

    number: str
    state: ReportState
    provider_name: str
    sha256: str
    issued_at: Instant
