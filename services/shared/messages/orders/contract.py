"""Contracts: what parties sign. In principal mode a contract with the customer and an order sheet to the provider."""

from typing import ClassVar, Literal
from uuid import UUID

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Command, Event, Instant, Message, Name, Query, Sha256, View
from services.shared.messages.orders.quotation_request import CUSTOMER, OPERATOR, PROVIDER

ContractState = Literal["draft", "awaiting_signatures", "signed", "terminated"]
Paper = Literal["contract", "order_sheet"]
"""*contract*: signed by customer and company. *order_sheet*: the company's order, confirmed by the provider."""

_READERS: Grants = {"customer": frozenset(), "provider": frozenset(), "operator": frozenset()}


class Signature(Message):
    """*party* put its name under the document with this hash."""

    paper: Paper
    party: Literal["customer", "provider", "operator"]
    signatory: str
    signed_at: Instant
    sha256: str


class Document(Message):
    """A file kept for ever."""

    paper: Paper
    sha256: str
    size_bytes: int


class ContractSummary(Message):
    """The contract as its order shows it. A provider sees the order sheet, a customer the contract."""

    contract_id: UUID
    number: str
    state: ContractState
    documents: tuple[Document, ...]
    signatures: tuple[Signature, ...]
    awaiting: tuple[str, ...]


class ContractView(View):
    contract_id: UUID
    number: str
    state: ContractState
    order_id: UUID
    customer_id: UUID
    provider_id: UUID
    documents: tuple[Document, ...]
    signatures: tuple[Signature, ...]
    awaiting: tuple[str, ...]


class SignContract(Command):
    """
    Sign one's paper: the customer and the company the contract, the provider the order sheet. → ContractView

    Attributes:
        sha256: Of the document that was read; another one is refused, so nobody signs what they did not see.
    """

    wire_name: ClassVar = "orders.sign_contract"
    grants: ClassVar[Grants] = {**CUSTOMER, **PROVIDER, **OPERATOR}

    contract_id: UUID
    signatory: Name
    sha256: Sha256


class GetContract(Query):
    """→ ContractView"""

    wire_name: ClassVar = "orders.get_contract"
    grants: ClassVar[Grants] = _READERS

    contract_id: UUID


class GetContractDocument(Query):
    """A presigned address for one paper, for whoever may see that paper. → DocumentLink"""

    wire_name: ClassVar = "orders.get_contract_document"
    grants: ClassVar[Grants] = _READERS

    contract_id: UUID
    paper: Paper


class DocumentLink(View):
    """*url* holds for five minutes."""

    url: str
    sha256: str
    size_bytes: int
    filename: str


class _ContractEvent(Event):
    source: ClassVar = "orders"
    stream_of: ClassVar = ("order", "order_id")

    contract_id: UUID
    number: str
    order_id: UUID
    customer_id: UUID
    provider_id: UUID


class ContractRendered(_ContractEvent):
    """The papers exist and await signatures."""

    wire_name: ClassVar = "contract.rendered.v1"

    documents: tuple[Document, ...]


class ContractSigned(_ContractEvent):
    """Everybody has signed."""

    wire_name: ClassVar = "contract.signed.v1"

    signatures: tuple[Signature, ...]
