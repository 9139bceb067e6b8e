"""What invoicing's use cases need from outside."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from services.invoicing.domain.collective_invoice import InvoiceTerms, UninvoicedOrder
from services.invoicing.domain.invoice import Contents, Invoice
from services.invoicing.domain.order import OrderCopy
from services.invoicing.domain.organisation import OrganisationCopy
from services.invoicing.domain.received_invoice import ReceivedInvoice
from services.invoicing.domain.red_letter import RedLetter
from services.invoicing.domain.seller_invoice import SellerInvoice
from services.invoicing.domain.settlement import SettlementCopy
from services.invoicing.domain.tax_point import TaxPoint
from services.shared.messages.base import Event


class Organisations(Protocol):
    def put(self, organisation: OrganisationCopy) -> None: ...

    def parties(self, customer_id: UUID) -> tuple[OrganisationCopy | None, OrganisationCopy | None]:
        """The operating company and the customer, each none while its copy is missing."""


class Orders(Protocol):
    def put(self, order: OrderCopy) -> None: ...

    def find(self, order_id: UUID) -> OrderCopy | None:
        """Locked until the end of the transaction: an order is invoiced by one at a time."""


class Settlements(Protocol):
    def add(self, settlement: SettlementCopy) -> None:
        """Store it; the same again changes nothing."""

    def by_number(self, number: str) -> SettlementCopy | None:
        """Locked until the end of the transaction."""

    def save(self, settlement: SettlementCopy) -> None: ...


class SellerInvoices(Protocol):
    def add(self, expected: SellerInvoice) -> None:
        """Store it; the same again changes nothing."""

    def find(self, order_id: UUID) -> SellerInvoice | None:
        """Locked until the end of the transaction."""

    def save(self, found: SellerInvoice) -> None:
        """Raises SellerInvoiceKnown: Another order of the provider has its number."""


class TaxPoints(Protocol):
    def add(self, tax_point: TaxPoint) -> bool:
        """Store it. False: it is there already."""


class NumberSeries(Protocol):
    def take(self, series: str, year: int) -> int:
        """
        The next number of *series* in *year*, from 1, without gaps.

        The series stays locked until the end of the transaction, and a transaction that does not
        commit has taken nothing.
        """


class Invoices(Protocol):
    def exists_for(self, order_id: UUID) -> bool: ...

    def exists_for_refund(self, order_id: UUID, refund_id: UUID) -> bool:
        """Over what this refund made the commission of the order more."""

    def add(self, invoice: Invoice) -> None: ...

    def get(self, invoice_id: UUID) -> Invoice:
        """Locked until the end of the transaction. Raises NotFound."""

    def of_order(self, order_id: UUID) -> Sequence[Invoice]:
        """
        Its own, or the one over several that it is on; of a commission those over its rises too.

        In the order of their numbers, locked until the end of the transaction.
        """

    def contents_of(self, invoice_id: UUID) -> Contents:
        """What it says, frozen; not locked. Raises NotFound."""

    def save(self, invoice: Invoice) -> None: ...


class Uninvoiced(Protocol):
    def put_terms(self, terms: InvoiceTerms) -> None: ...

    def terms_of(self, customer_id: UUID) -> InvoiceTerms | None: ...

    def add(self, order: UninvoicedOrder) -> None:
        """Store it; the same again changes nothing."""

    def find(self, order_id: UUID) -> UninvoicedOrder | None:
        """Locked until the end of the transaction."""

    def waiting(self, customer_id: UUID, month: str | None) -> Sequence[UUID]:
        """The orders of months up to *month* (none: of all) that are on no invoice, by id; not locked."""

    def save(self, order: UninvoicedOrder) -> None: ...


class RedLetters(Protocol):
    def exists_for(self, refund_id: UUID) -> bool: ...

    def add(self, red_letter: RedLetter) -> None: ...

    def get(self, red_letter_id: UUID) -> RedLetter:
        """Locked until the end of the transaction. Raises NotFound."""

    def waiting_for(self, invoice_id: UUID) -> Sequence[RedLetter]:
        """Those that wait for the documents of the invoice, locked, in the order of their ids."""

    def save(self, red_letter: RedLetter) -> None: ...


class ReceivedInvoices(Protocol):
    def add(self, invoice: ReceivedInvoice) -> None:
        """Raises AlreadyRecorded."""


class InvoicingUnitOfWork(Protocol):
    @property
    def organisations(self) -> Organisations: ...

    @property
    def orders(self) -> Orders: ...

    @property
    def settlements(self) -> Settlements: ...

    @property
    def seller_invoices(self) -> SellerInvoices: ...

    @property
    def tax_points(self) -> TaxPoints: ...

    @property
    def number_series(self) -> NumberSeries: ...

    @property
    def invoices(self) -> Invoices: ...

    @property
    def uninvoiced(self) -> Uninvoiced: ...

    @property
    def red_letters(self) -> RedLetters: ...

    @property
    def received_invoices(self) -> ReceivedInvoices: ...

    def publish(self, event: Event) -> UUID: ...

    def call_outside(self, kind: str, key: str, payload: Mapping[str, Any]) -> None: ...

    def set_timer(self, kind: str, subject: object, due_at: datetime) -> None: ...
