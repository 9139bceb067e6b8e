"""
The invoice of a provider that sold: to the customer, at its own rate, and none of ours. We keep what it says.

A contract on technology development or transfer is exempt from VAT once it is registered (技术合同认定登记): before the
certificate there is no invoice; with it an exempt ordinary one; where registration is refused the price includes VAT.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from services.shared.kernel.collection import ContractKind
from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money

SellerInvoiceState = Literal["expected", "due", "recorded"]
Registration = Literal["none", "submitted", "registered", "returned"]
SellerInvoiceKind = Literal["special", "ordinary"]

LIFECYCLE: Lifecycle[SellerInvoiceState] = Lifecycle(
    "seller_invoice", {"fall_due": {"expected": "due"}, "record": {"due": "recorded"}}
)
REGISTRATION: Lifecycle[Registration] = Lifecycle(
    "registration",
    {
        # what was returned may be handed in again
        "submit": {"none": "submitted", "returned": "submitted"},
        "register": {"submitted": "registered"},
        "return": {"submitted": "returned"},
    },
)


class NothingToRegister(Conflict):
    """This order is no contract on technology development or transfer, or it is invoiced already."""

    code = "invoicing.nothing_to_register"


class RegistrationMissing(Conflict):
    """Exempt from VAT only with the certificate: until it is decided there is no invoice."""

    code = "invoicing.registration_missing"


class RegisteredForLess(Conflict):
    """The certificate is over less than the invoice."""

    code = "invoicing.registered_for_less"


class SellerInvoiceDiffers(Invalid):
    """It says something else than was sold; facts name what."""

    code = "invoicing.seller_invoice_differs"


class SellerInvoiceKnown(Conflict):
    """An invoice of this provider with this number is recorded already."""

    code = "invoicing.seller_invoice_known"


@dataclass
class SellerInvoice:
    """
    One for each order that the provider sold.

    Attributes:
        net, tax: What was accepted; none before.
        registered: What the certificate is over.
        number, kind, invoiced_net, invoiced_tax, issued_on: What the provider says that its invoice says.
    """

    order_id: UUID
    order_number: str
    customer_id: UUID
    provider_id: UUID
    contract_kind: ContractKind
    state: SellerInvoiceState = "expected"
    net: Money | None = None
    tax: Money | None = None
    registration: Registration = "none"
    registration_number: str = ""
    registered: Money | None = None
    number: str = ""
    kind: SellerInvoiceKind = "ordinary"
    invoiced_net: Money | None = None
    invoiced_tax: Money | None = None
    issued_on: date | None = None

    def fall_due(self, net: Money, tax: Money) -> None:
        """It is accepted. Raises WrongState."""
        self.state = LIFECYCLE.after("fall_due", self.state)
        self.net, self.tax = net, tax

    def submit(self) -> None:
        """Raises: NothingToRegister; WrongState: It is submitted, or decided."""
        if self.contract_kind == "testing" or self.state == "recorded":
            raise NothingToRegister
        self.registration = REGISTRATION.after("submit", self.registration)

    def register(self, number: str, amount: Money) -> None:
        """The certificate is there. Raises WrongState."""
        self.registration = REGISTRATION.after("register", self.registration)
        self.registration_number, self.registered = number, amount

    def send_back(self) -> None:
        """It is not registered. Raises WrongState."""
        self.registration = REGISTRATION.after("return", self.registration)

    def record(self, number: str, kind: SellerInvoiceKind, net: Money, tax: Money, issued_on: date) -> None:
        """
        The provider has invoiced the customer.

        Raises:
            WrongState: The order is not accepted, or it is recorded.
            RegistrationMissing, RegisteredForLess, SellerInvoiceDiffers
        """
        state = LIFECYCLE.after("record", self.state)
        self._check(kind, net, tax)
        self.state, self.number, self.kind, self.issued_on = state, number, kind, issued_on
        self.invoiced_net, self.invoiced_tax = net, tax

    def _check(self, kind: SellerInvoiceKind, net: Money, tax: Money) -> None:
        if self.net is None or self.tax is None:
            raise TypeError(f"order {self.order_number} is due without amounts")
        exempt = self.contract_kind != "testing"
        if exempt and self.registration in {"none", "submitted"}:
            raise RegistrationMissing
        if exempt and self.registration == "registered":
            if kind != "ordinary":
                raise SellerInvoiceDiffers(differs="kind")
            if self.registered is None or self.registered < self.net:
                raise RegisteredForLess
        if exempt and self.registration == "returned":
            # The price includes the tax: how the provider divides it is its own affair.
            if net + tax != self.net + self.tax:
                raise SellerInvoiceDiffers(differs="gross")
        elif net != self.net:
            raise SellerInvoiceDiffers(differs="net")
        elif tax != self.tax:
            raise SellerInvoiceDiffers(differs="tax")
