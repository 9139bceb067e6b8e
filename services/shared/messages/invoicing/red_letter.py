"""Red-letter invoices: what is taken back of an invoice, after a form that the tax bureau keeps is confirmed."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import Command, Event, Instant, Page, Query, View

RedLetterState = Literal["waiting", "requested", "unconfirmed", "issuing", "issued", "refused", "failed"]
FormState = Literal["01", "02", "03", "04", "05", "06", "07", "08", "09", "10"]
"""The bureau's own numbers; what they mean stands in `services/invoicing/domain/red_form.py`."""

FormNumber = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{4,40}$")]

_READERS: Grants = {"customer": frozenset(), "operator": frozenset({"finance_operator", "administrator"})}
_FINANCE: Grants = {"operator": frozenset({"finance_operator", "administrator"})}


class RedLetterView(View):
    """
    *net*, *tax* and *gross* are below zero.

    Attributes:
        number: Of our own series; empty until the form is confirmed.
        form_number, form_state: Of the last form; empty or none before they are known.
        form_source: Who says what becomes of it.
        confirm_by: When the form lapses unless the buyer confirms it; none: it waits for nobody.
        lapses: How many of its forms have lapsed.
        problem: Why the form was refused or the documents could not be made, for the operating company.
    """

    red_letter_id: UUID
    number: str
    state: RedLetterState
    invoice_id: UUID
    invoice_number: str
    order_id: UUID
    order_number: str
    customer_id: UUID
    refund_id: UUID
    net: Money
    tax: Money
    gross: Money
    form_number: str
    form_state: FormState | None
    form_source: Literal["platform", "staff"] | None
    confirm_by: Instant | None
    lapses: int
    requested_at: Instant
    issued_at: Instant | None
    pdf_sha256: str
    xml_sha256: str
    problem: str


class RecordRedForm(Command):
    """
    Staff entered the form at the bureau. → RedLetterView

    Attributes:
        state: *02*: the buyer must confirm it; *01*: nobody need. Somebody else of staff confirms either here.
    """

    wire_name: ClassVar = "invoicing.record_red_form"
    grants: ClassVar[Grants] = _FINANCE

    red_letter_id: UUID
    number: FormNumber
    state: Literal["01", "02"]


class ConfirmRedForm(Command):
    """Another of staff reads at the bureau that the form needs no confirmation, or has it. → RedLetterView"""

    wire_name: ClassVar = "invoicing.confirm_red_form"
    grants: ClassVar[Grants] = _FINANCE

    red_letter_id: UUID
    number: FormNumber


class RefuseRedForm(Command):
    """Staff read at the bureau that a form recorded by hand is void. → RedLetterView"""

    wire_name: ClassVar = "invoicing.refuse_red_form"
    grants: ClassVar[Grants] = _FINANCE

    red_letter_id: UUID
    state: Literal["05", "06", "08", "10"]


class RequestRedForm(Command):
    """Ask for another form after one was refused. → RedLetterView"""

    wire_name: ClassVar = "invoicing.request_red_form"
    grants: ClassVar[Grants] = _FINANCE

    red_letter_id: UUID


class GetRedLetter(Query):
    """→ RedLetterView"""

    wire_name: ClassVar = "invoicing.get_red_letter"
    grants: ClassVar[Grants] = _READERS

    red_letter_id: UUID


class ListRedLetters(Query):
    """A customer's own; all for the operating company's finance; newest first. → RedLetterPage"""

    wire_name: ClassVar = "invoicing.list_red_letters"
    grants: ClassVar[Grants] = {"self": frozenset(), **_FINANCE}

    order_id: UUID | None = None
    state: RedLetterState | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class RedLetterPage(Page):
    items: tuple[RedLetterView, ...]


class GetRedLetterDocument(Query):
    """→ invoice.InvoiceDocument"""

    wire_name: ClassVar = "invoicing.get_red_letter_document"
    grants: ClassVar[Grants] = _READERS

    red_letter_id: UUID
    form: Literal["pdf", "xml"]


class _RedLetterEvent(Event):
    """*net*, *tax* and *gross* are below zero."""

    source: ClassVar = "invoicing"
    stream_of: ClassVar = ("order", "order_id")

    red_letter_id: UUID
    refund_id: UUID
    invoice_id: UUID
    invoice_number: str
    order_id: UUID
    order_number: str
    customer_id: UUID
    net: Money
    tax: Money
    gross: Money


class RedLetterRequested(_RedLetterEvent):
    """A refund is agreed of what is invoiced: a form is asked for."""

    wire_name: ClassVar = "red_letter.requested.v1"


class RedLetterIssued(_RedLetterEvent):
    """
    The form is confirmed, the documents are made and kept: the refund's money may leave.

    *parts*: so many red letters take the refund back, one for each invoice that it takes of.
    """

    wire_name: ClassVar = "red_letter.issued.v1"

    number: str
    form_number: str
    form_state: Literal["01", "04"]
    tax_rate_bps: int
    issued_at: Instant
    pdf_sha256: str
    xml_sha256: str
    parts: int = 1


class RedLetterRefused(_RedLetterEvent):
    """
    There will be no form unless somebody asks for another; the refund waits, or two people waive it.

    *problem*: the form's state where it is void, else the platform's words.
    """

    wire_name: ClassVar = "red_letter.refused.v1"

    form_number: str
    problem: str


class RedLetterEscalated(_RedLetterEvent):
    """The buyer let another form lapse: somebody must speak to it. A new form is asked for all the same."""

    wire_name: ClassVar = "red_letter.escalated.v1"

    form_number: str
    lapses: int


class RedLetterFailed(_RedLetterEvent):
    """
    Its documents could not be made or do not pass the rules; somebody must look, and have them made again.

    *days*: for so long it has been told, each day anew; 0 when it fails.
    """

    wire_name: ClassVar = "red_letter.failed.v1"

    number: str
    problem: str
    days: int = 0
