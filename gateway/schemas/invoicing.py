"""Invoices we issue, and invoices we receive."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import StringConstraints

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import Instant, MoneyOrZero, PositiveMoney
from services.shared.messages.invoicing.collective_invoice import InvoiceTiming
from services.shared.messages.invoicing.invoice import InvoiceState
from services.shared.messages.invoicing.received_invoice import InvoiceKind, ReceivedInvoiceState
from services.shared.messages.invoicing.red_letter import FormNumber, FormState, RedLetterState


class CustomerRedLetter(Shown):
    """
    What takes back an invoice, wholly or in part, to the customer; its amounts are below zero.

    *form_state*: of the red-letter form, by the tax bureau's numbers; *02* waits for the buyer until *confirm_by*.
    """

    red_letter_id: UUID
    number: str
    state: RedLetterState
    invoice_id: UUID
    invoice_number: str
    order_id: UUID
    order_number: str
    refund_id: UUID
    net: Money
    tax: Money
    gross: Money
    form_number: str
    form_state: FormState | None
    confirm_by: Instant | None
    requested_at: Instant
    issued_at: Instant | None
    pdf_sha256: str
    xml_sha256: str


class OperatorRedLetter(CustomerRedLetter):
    """The same to the operating company. *problem*: why it was refused, or could not be made."""

    customer_id: UUID
    form_source: Literal["platform", "staff"] | None
    lapses: int
    problem: str


class RedLetterPage(Shown):
    items: tuple[OperatorRedLetter | CustomerRedLetter, ...]
    next_cursor: str | None


class RedLettersListed(Listed):
    order_id: UUID | None = None
    state: RedLetterState | None = None


class RedFormToRecord(Schema):
    """*state*: 02 where the buyer must confirm the form, 01 where nobody need."""

    number: FormNumber
    state: Literal["01", "02"]


class RedFormToConfirm(Schema):
    number: FormNumber


class RedFormToRefuse(Schema):
    """*state*: in which the bureau shows it."""

    state: Literal["05", "06", "08", "10"]


class InvoiceTermsToSet(Schema):
    """*monthly_collective*: one invoice over the orders of a month, at its end."""

    customer_id: UUID
    timing: InvoiceTiming


class InvoiceTerms(Shown):
    customer_id: UUID
    timing: InvoiceTiming
    since: Instant


class CustomerToInvoice(Schema):
    customer_id: UUID


class InvoicesMade(Shown):
    customer_id: UUID
    invoice_ids: tuple[UUID, ...]
    numbers: tuple[str, ...]


class InvoicedOrder(Shown):
    """Its part of an invoice over several orders."""

    order_id: UUID
    number: str
    net: Money
    tax: Money


class CustomerInvoice(Shown):
    """An invoice, to the customer. *orders*: where it is over several; *order_id* is the first of them then."""

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
    red_letters: tuple[CustomerRedLetter, ...]
    orders: tuple[InvoicedOrder, ...]


class OperatorInvoice(CustomerInvoice):
    """An invoice, to the operating company. *problem*: why it could not be issued."""

    problem: str
    red_letters: tuple[OperatorRedLetter, ...]


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
