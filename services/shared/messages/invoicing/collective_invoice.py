"""Collective invoices: one over the orders of a month, where that is agreed with a customer."""

from typing import ClassVar, Literal
from uuid import UUID

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import Command, Event, Instant, Query, View

InvoiceTiming = Literal["on_acceptance", "monthly_collective"]

_FINANCE: Grants = {"operator": frozenset({"finance_operator", "administrator"})}


class InvoiceTermsView(View):
    """*since*: for orders accepted from then on."""

    customer_id: UUID
    timing: InvoiceTiming
    since: Instant


class SetInvoiceTerms(Command):
    """When a customer gets its invoices, from now on. → InvoiceTermsView"""

    wire_name: ClassVar = "invoicing.set_invoice_terms"
    grants: ClassVar[Grants] = _FINANCE

    customer_id: UUID
    timing: InvoiceTiming


class GetInvoiceTerms(Query):
    """A customer's own, or any customer's for the operating company's finance. → InvoiceTermsView"""

    wire_name: ClassVar = "invoicing.get_invoice_terms"
    grants: ClassVar[Grants] = {"customer": frozenset(), **_FINANCE}

    customer_id: UUID


class InvoiceUninvoiced(Command):
    """Invoice now what waits for the end of its month. → UninvoicedInvoiced"""

    wire_name: ClassVar = "invoicing.invoice_uninvoiced"
    grants: ClassVar[Grants] = _FINANCE

    customer_id: UUID


class UninvoicedInvoiced(View):
    """The invoices that were made: one for each VAT rate, currency and term of payment; none where nothing waits."""

    customer_id: UUID
    invoice_ids: tuple[UUID, ...]
    numbers: tuple[str, ...]


class InvoiceReduced(Event):
    """A refund was agreed of an order that waited for its month's invoice, which will say so much less."""

    wire_name: ClassVar = "invoice.reduced.v1"
    source: ClassVar = "invoicing"
    stream_of: ClassVar = ("order", "order_id")

    refund_id: UUID
    order_id: UUID
    order_number: str
    customer_id: UUID
    net: Money
    tax: Money
    gross: Money
