"""Invoices we issue, and invoices we receive."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import Instant, MoneyOrZero, PositiveMoney
from services.shared.messages.invoicing.invoice import InvoiceState
from services.shared.messages.invoicing.received_invoice import InvoiceKind, ReceivedInvoiceState


class CustomerInvoice(Shown):
    """An invoice, to the customer."""

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


class OperatorInvoice(CustomerInvoice):
    """An invoice, to the operating company. *problem*: why it could not be issued."""

    problem: str


class InvoicePage(Shown):
    items: tuple[OperatorInvoice | CustomerInvoice, ...]
    next_cursor: str | None


class InvoicesListed(Listed):
    order_id: UUID | None = None


class ReceivedInvoice(Shown):
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


class ReceivedInvoicePage(Shown):
    items: tuple[ReceivedInvoice, ...]
    next_cursor: str | None


class ReceivedInvoiceToRecord(Schema):
    settlement_number: Annotated[str, StringConstraints(max_length=40)]
    number: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{4,40}$")]
    kind: InvoiceKind
    net: PositiveMoney
    tax: MoneyOrZero
    issued_on: date
