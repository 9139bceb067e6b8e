"""Requests for quotation: what a customer wants, asked of one or several providers, sealed."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Command, Event, Instant, Message, Name, Page, Quantity, Query, Text, View

QuotationRequestState = Literal["open", "closed", "expired", "withdrawn"]

CUSTOMER: Grants = {"customer": frozenset({"requester", "approver"})}
PROVIDER: Grants = {"provider": frozenset({"lab_manager"})}
OPERATOR: Grants = {"operator": frozenset({"contract_operator", "administrator"})}


class SampleDescription(Message):
    """
    Samples of one kind that a customer will send.

    Attributes:
        customer_code: The customer's own name for them.
        hazards: What whoever opens the parcel must know; empty: none.
        after_test: What becomes of what is left over.
    """

    customer_code: Name
    description: Name
    quantity: Quantity
    hazards: Text = ""
    after_test: Literal["return", "destroy"] = "destroy"


class QuotationRequestView(View):
    """*provider_ids*: all of them for the customer and the operating company, only itself for a provider."""

    quotation_request_id: UUID
    number: str
    state: QuotationRequestState
    customer_id: UUID
    provider_ids: tuple[UUID, ...]
    offering_id: UUID | None
    title: str
    requirements: str
    quantity: int
    samples: tuple[SampleDescription, ...]
    respond_by: Instant
    opened_at: Instant


class OpenQuotationRequest(Command):
    """Ask providers for a price. → QuotationRequestView"""

    wire_name: ClassVar = "orders.open_quotation_request"
    grants: ClassVar[Grants] = {"self": frozenset({"requester", "approver"})}

    provider_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=20)]
    offering_id: UUID | None = None
    title: Name
    requirements: Text = ""
    quantity: Quantity = 1
    samples: Annotated[tuple[SampleDescription, ...], Field(max_length=100)] = ()
    respond_by: Instant


class TakeOverPricing(Command):
    """
    What providers quote on this request goes to the operating company, which sets the customer's price.

    Before any provider has answered. → QuotationRequestView
    """

    wire_name: ClassVar = "orders.take_over_pricing"
    grants: ClassVar[Grants] = OPERATOR

    quotation_request_id: UUID


class WithdrawQuotationRequest(Command):
    """→ QuotationRequestView"""

    wire_name: ClassVar = "orders.withdraw_quotation_request"
    grants: ClassVar[Grants] = CUSTOMER

    quotation_request_id: UUID


class GetQuotationRequest(Query):
    """→ QuotationRequestView"""

    wire_name: ClassVar = "orders.get_quotation_request"
    grants: ClassVar[Grants] = {"customer": frozenset(), "provider": frozenset(), "operator": frozenset()}

    quotation_request_id: UUID


class ListQuotationRequests(Query):
    """Those the organisation asked or was asked; all for the operating company; newest first."""

    wire_name: ClassVar = "orders.list_quotation_requests"
    grants: ClassVar[Grants] = {"self": frozenset(), "operator": frozenset()}

    state: QuotationRequestState | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class QuotationRequestPage(Page):
    items: tuple[QuotationRequestView, ...]


class _QuotationRequestEvent(Event):
    source: ClassVar = "orders"
    stream_of: ClassVar = ("quotation_request", "quotation_request_id")

    quotation_request_id: UUID
    number: str
    customer_id: UUID
    provider_ids: tuple[UUID, ...]
    title: str


class QuotationRequestOpened(_QuotationRequestEvent):
    """Providers may send quotations until *respond_by*."""

    wire_name: ClassVar = "quotation_request.opened.v1"

    respond_by: Instant


class QuotationRequestClosed(_QuotationRequestEvent):
    """One of its quotations was accepted."""

    wire_name: ClassVar = "quotation_request.closed.v1"


class QuotationRequestExpired(_QuotationRequestEvent):
    """Nothing was accepted and no quotation can be any more."""

    wire_name: ClassVar = "quotation_request.expired.v1"


class QuotationRequestWithdrawn(_QuotationRequestEvent):
    """The customer no longer wants it."""

    wire_name: ClassVar = "quotation_request.withdrawn.v1"
