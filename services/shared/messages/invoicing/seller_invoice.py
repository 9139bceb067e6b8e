"""The invoice of a provider that sold, and the registration that exempts its contract from VAT."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from services.shared.kernel.actor import Grants
from services.shared.kernel.collection import ContractKind
from services.shared.kernel.money import Money
from services.shared.messages.base import Command, Event, MoneyOrZero, Name, PositiveMoney, Query, View

SellerInvoiceState = Literal["expected", "due", "recorded"]
Registration = Literal["none", "submitted", "registered", "returned"]
SellerInvoiceKind = Literal["special", "ordinary"]
_SELLER: Grants = {"provider": frozenset({"lab_manager", "provider_finance"})}
_READERS: Grants = {"customer": frozenset(), "provider": frozenset(), "operator": frozenset()}


class SellerInvoiceView(View):
    """
    Attributes:
        net, tax: What was accepted; none before.
        registration: Of a contract on technology development or transfer; its invoice waits for it.
        number: Of the provider's invoice; empty until it is recorded.
    """

    order_id: UUID
    order_number: str
    customer_id: UUID
    provider_id: UUID
    contract_kind: ContractKind
    state: SellerInvoiceState
    net: Money | None
    tax: Money | None
    registration: Registration
    registration_number: str
    registered: Money | None
    number: str
    kind: SellerInvoiceKind
    invoiced_net: Money | None
    invoiced_tax: Money | None
    issued_on: date | None


class SubmitRegistration(Command):
    """The provider has handed its contract in for registration. → SellerInvoiceView"""

    wire_name: ClassVar = "invoicing.submit_registration"
    grants: ClassVar[Grants] = _SELLER

    order_id: UUID


class DecideRegistration(Command):
    """
    The contracts staff have seen the certificate, or that it was returned. → SellerInvoiceView

    Attributes:
        number, amount: Of the certificate; both, or none: it was returned.
    """

    wire_name: ClassVar = "invoicing.decide_registration"
    grants: ClassVar[Grants] = {"operator": frozenset({"contract_operator", "administrator"})}

    order_id: UUID
    number: Name | None = None
    amount: PositiveMoney | None = None


class RecordSellerInvoice(Command):
    """The provider has invoiced the customer; what it says is compared with what was accepted. → SellerInvoiceView"""

    wire_name: ClassVar = "invoicing.record_seller_invoice"
    grants: ClassVar[Grants] = _SELLER

    order_id: UUID
    number: Name
    kind: SellerInvoiceKind
    net: PositiveMoney
    tax: MoneyOrZero
    issued_on: date


class GetSellerInvoice(Query):
    """→ SellerInvoiceView"""

    wire_name: ClassVar = "invoicing.get_seller_invoice"
    grants: ClassVar[Grants] = _READERS

    order_id: UUID


class SellerInvoiceRecorded(Event):
    """The provider has invoiced the customer over what it sold."""

    wire_name: ClassVar = "seller_invoice.recorded.v1"
    source: ClassVar = "invoicing"
    stream_of: ClassVar = ("order", "order_id")

    order_id: UUID
    order_number: str
    customer_id: UUID
    provider_id: UUID
    number: str
    kind: SellerInvoiceKind
    net: Money
    tax: Money
    gross: Money
    issued_on: date
