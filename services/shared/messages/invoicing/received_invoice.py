"""Invoices we receive from providers and stations; without one that matches, nothing is paid out."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import Command, Event, Instant, MoneyOrZero, Page, PositiveMoney, Query, View

ReceivedInvoiceState = Literal["recorded", "matched", "rejected"]
InvoiceKind = Literal["special", "ordinary"]

_SENDERS: Grants = {
    "provider": frozenset({"provider_finance", "lab_manager"}),
    "station": frozenset({"station_manager"}),
    "operator": frozenset({"finance_operator", "administrator"}),
}


class ReceivedInvoiceView(View):
    received_invoice_id: UUID
    number: str
    state: ReceivedInvoiceState
    kind: InvoiceKind
    settlement_id: UUID
    settlement_number: str
    party_id: UUID
    net: Money
    tax: Money
    gross: Money
    issued_on: date
    recorded_at: Instant
    reason: str


class RecordReceivedInvoice(Command):
    """
    An invoice for a settlement. Matched by settlement and amounts at once, or rejected with the reason.

    The same number of the same party counts once: a second one is refused. → ReceivedInvoiceView

    Attributes:
        number: Of the tax bureau or the party's own series.
    """

    wire_name: ClassVar = "invoicing.record_received_invoice"
    grants: ClassVar[Grants] = _SENDERS

    settlement_number: Annotated[str, StringConstraints(max_length=40)]
    number: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{4,40}$")]
    kind: InvoiceKind
    net: PositiveMoney
    tax: MoneyOrZero
    issued_on: date


class ListReceivedInvoices(Query):
    """A party's own; all for the operating company's finance; newest first. → ReceivedInvoicePage"""

    wire_name: ClassVar = "invoicing.list_received_invoices"
    grants: ClassVar[Grants] = {
        "self": frozenset({"provider_finance", "lab_manager", "station_manager"}),
        "operator": frozenset({"finance_operator", "administrator"}),
    }

    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ReceivedInvoicePage(Page):
    items: tuple[ReceivedInvoiceView, ...]


class _ReceivedInvoiceEvent(Event):
    source: ClassVar = "invoicing"
    stream_of: ClassVar = ("settlement", "settlement_id")

    received_invoice_id: UUID
    number: str
    kind: InvoiceKind
    settlement_id: UUID
    party_id: UUID
    net: Money
    tax: Money
    gross: Money
    issued_on: date


class ReceivedInvoiceMatched(_ReceivedInvoiceEvent):
    """It says exactly what the settlement says: the settlement becomes payable."""

    wire_name: ClassVar = "received_invoice.matched.v1"


class ReceivedInvoiceRejected(_ReceivedInvoiceEvent):
    """It does not say what the settlement says; the party is told why."""

    wire_name: ClassVar = "received_invoice.rejected.v1"

    reason: str
