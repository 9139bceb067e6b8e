"""Reports: never overwritten; anyone who has the code can check that a file is the one that was issued."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Command, Event, Instant, Message, Name, Query, Sha256, View

ReportState = Literal["draft", "checking", "issued", "amended", "withdrawn"]

_LAB: Grants = {"provider": frozenset({"lab_manager", "technician"})}
_READERS: Grants = {"customer": frozenset(), "provider": frozenset(), "operator": frozenset()}
REPORT_BYTES_MAX = 50 * 1024 * 1024


class ReportSummary(Message):
    report_id: UUID
    number: str
    state: ReportState
    lines: tuple[int, ...]
    sha256: str
    size_bytes: int
    check_code: str
    issued_at: Instant | None
    problem: str


class ReportView(View):
    """
    Attributes:
        lines: The order's lines it covers.
        check_code: Printed on it; opens the public check.
        upload_url: Where to PUT the file, while a draft; for 15 minutes.
        problem: Why the upload was refused (error code), empty if it was not.
    """

    report_id: UUID
    number: str
    state: ReportState
    order_id: UUID
    lines: tuple[int, ...]
    title: str
    sha256: str
    size_bytes: int
    check_code: str
    upload_url: str | None
    issued_at: Instant | None
    problem: str


class DraftReport(Command):
    """Declare the file that will be uploaded. → ReportView with *upload_url*"""

    wire_name: ClassVar = "orders.draft_report"
    grants: ClassVar[Grants] = _LAB

    order_id: UUID
    lines: Annotated[tuple[int, ...], Field(min_length=1, max_length=200)]
    title: Name
    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=1, le=REPORT_BYTES_MAX)]
    media_type: Literal["application/pdf"] = "application/pdf"


class IssueReport(Command):
    """
    The file is uploaded: check it and issue the report. → ReportView, state *checking*

    It becomes *issued*, or *draft* again with its *problem*, once the file was read.
    """

    wire_name: ClassVar = "orders.issue_report"
    grants: ClassVar[Grants] = {"provider": frozenset({"lab_manager"})}

    report_id: UUID


class GetReport(Query):
    """→ ReportView"""

    wire_name: ClassVar = "orders.get_report"
    grants: ClassVar[Grants] = _READERS

    report_id: UUID


class GetReportDocument(Query):
    """→ DocumentLink"""

    wire_name: ClassVar = "orders.get_report_document"
    grants: ClassVar[Grants] = _READERS

    report_id: UUID


class CheckReport(Query):
    """Public: is there a report with this code, and what is its file's hash? → ReportCheck"""

    wire_name: ClassVar = "orders.check_report"
    grants: ClassVar[Grants] = {"anyone": frozenset()}

    code: Annotated[str, StringConstraints(max_length=64)]


class ReportCheck(View):
    """Says nothing of the customer."""

    number: str
    state: ReportState
    provider_name: str
    sha256: str
    issued_at: Instant


class ReportIssued(Event):
    """A report is out; its file is kept under this hash."""

    wire_name: ClassVar = "report.issued.v1"
    source: ClassVar = "orders"
    stream_of: ClassVar = ("order", "order_id")

    report_id: UUID
    number: str
    order_id: UUID
    customer_id: UUID
    provider_id: UUID
    lines: tuple[int, ...]
    sha256: str
    issued_at: Instant
