"""The invoice of a provider that sold."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from gateway.schemas.base import Schema, Shown
from services.shared.kernel.collection import ContractKind
from services.shared.kernel.money import Money
from services.shared.messages.base import MoneyOrZero, Name, PositiveMoney
from services.shared.messages.invoicing.seller_invoice import Registration, SellerInvoiceKind, SellerInvoiceState


class SellerInvoice(Shown):
    """*net*, *tax*: what was accepted; *invoiced_…*: what the provider's invoice says."""

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


class SellerInvoiceToRecord(Schema):
    number: Name
    kind: SellerInvoiceKind
    net: PositiveMoney
    tax: MoneyOrZero
    issued_on: date


class RegistrationDecision(Schema):
    """Number and amount of the certificate; neither: it was returned."""

    number: Annotated[Name | None, Field(description="of the certificate")] = None
    amount: PositiveMoney | None = None
