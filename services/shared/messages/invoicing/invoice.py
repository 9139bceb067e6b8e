"""Invoices to customers: our own gapless series, PDF and EN 16931. Not a fapiao, and they say so."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import Event, Instant, Message, Page, Query, View
from services.shared.messages.invoicing.red_letter import RedLetterView

InvoiceState = Literal[
    "requested", "issuing", "issued", "delivered", "failed", "red_pending", "partly_reversed", "reversed"
]  # fmt: skip

_READERS: Grants = {"customer": frozenset(), "operator": frozenset({"finance_operator", "administrator"})}


class InvoicedOrder(Message):
    """*net* and *tax*: its part of an invoice over several."""

    order_id: UUID
    number: str
    net: Money
    tax: Money


class InvoiceView(View):
    """
    *net*, *tax* and *gross* are what it says, whatever is taken back of it.

    Attributes:
        order_id, order_number: Of several orders the first one's id, and no number.
        orders: Where it is over several.
        problem: Why it could not be issued, for the operating company.
        red_letters: What takes it back, oldest first.
    """

    invoice_id: UUID
    number: str
    state: InvoiceState
    order_id: UUID
    order_number: str
    customer_id: UUID
    net: Money
    tax: Money
    gross: Money
    tax_rate_bps: int
    issued_at: Instant | None
    pdf_sha256: str
    xml_sha256: str
    problem: str
    red_letters: tuple[RedLetterView, ...] = ()
    orders: tuple[InvoicedOrder, ...] = ()


class GetInvoice(Query):
    """→ InvoiceView"""

    wire_name: ClassVar = "invoicing.get_invoice"
    grants: ClassVar[Grants] = _READERS

    invoice_id: UUID


class ListInvoices(Query):
    """A customer's own; all for the operating company's finance; newest first. → InvoicePage"""

    wire_name: ClassVar = "invoicing.list_invoices"
    grants: ClassVar[Grants] = {"self": frozenset(), "operator": frozenset({"finance_operator", "administrator"})}

    order_id: UUID | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class InvoicePage(Page):
    items: tuple[InvoiceView, ...]


class GetInvoiceDocument(Query):
    """→ InvoiceDocument"""

    wire_name: ClassVar = "invoicing.get_invoice_document"
    grants: ClassVar[Grants] = _READERS

    invoice_id: UUID
    form: Literal["pdf", "xml"]


class InvoiceDocument(View):
    """*url* holds for five minutes."""

    url: str
    sha256: str
    size_bytes: int
    filename: str


class InvoiceIssued(Event):
    """
    Numbered, written, checked against the official rules, and kept. One over several orders is told for each of them.

    Attributes:
        net, tax, gross: The order's part of it.
        orders: How many orders it is over.
        first: Of those the one that is told first.
        total: Gross of the whole invoice; none: it is over one order.
        refund_id: It is over what this refund made the commission for the order more; none: over the order.
        due_on: The last day to pay what is not paid (Asia/Shanghai); none: all is.
    """

    wire_name: ClassVar = "invoice.issued.v1"
    source: ClassVar = "invoicing"
    stream_of: ClassVar = ("order", "order_id")

    invoice_id: UUID
    number: str
    order_id: UUID
    order_number: str
    customer_id: UUID
    net: Money
    tax: Money
    gross: Money
    tax_rate_bps: int
    issued_at: Instant
    pdf_sha256: str
    xml_sha256: str
    orders: int = 1
    first: bool = True
    total: Money | None = None
    refund_id: UUID | None = None
    due_on: date | None = None


class InvoiceFailed(Event):
    """
    Its documents could not be made or do not pass the rules; somebody must look, and have them made again.

    *days*: for so long it has been told, each day anew; 0 when it fails.
    """

    wire_name: ClassVar = "invoice.failed.v1"
    source: ClassVar = "invoicing"
    stream_of: ClassVar = ("order", "order_id")

    invoice_id: UUID
    number: str
    order_id: UUID
    problem: str
    days: int = 0


class TaxPointReached(Event):
    """VAT is due on this much, whatever the settlement does."""

    wire_name: ClassVar = "tax_point.reached.v1"
    source: ClassVar = "invoicing"
    stream_of: ClassVar = ("order", "order_id")

    tax_point_id: UUID
    order_id: UUID
    cause: Literal["acceptance"]
    net: Money
    tax: Money
    tax_rate_bps: int
    reached_at: Instant
