"""Refunds: money that goes back to who paid it, by the way it came."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import Command, Event, Instant, Message, Page, PositiveMoney, Query, Remark, View
from services.shared.messages.billing.commission_plan import FINANCE

RefundState = Literal["requested", "awaiting_red_letter", "pending", "succeeded", "failed", "cancelled"]
RefundCause = Literal["cancellation", "dispute", "manual", "chargeback"]
RefundRoute = Literal[
    "card", "bank_transfer", "customer_credit", "chargeback", "project_funds", "platform_channel", "direct_transfer"
]  # fmt: skip
RefundPartState = Literal["waiting", "sent", "succeeded", "failed"]
Burden = Literal["provider", "company"]
StationBase = Literal["remaining", "original"]


class RefundPart(Message):
    """
    What goes back by one way; what a chargeback has taken of a part stands beside its rest, of the same payment.

    Attributes:
        state: *waiting* for the second pair of eyes, or for the red-letter invoice; *sent* to the bank or the
            payment institution.
        account_name, account_number, bank_name: Where a bank transfer goes; else empty.
        failure: The payment institution's or the bank's code.
    """

    payment_id: UUID
    route: RefundRoute
    amount: Money
    state: RefundPartState
    account_name: str
    account_number: str
    bank_name: str
    failure: str


class RefundView(View):
    """
    *gross* = *net* + *tax*. A customer is not shown who bears it.

    Attributes:
        number: Stands in the remittance text of a bank transfer; by it the bank's line finds the refund.
        on_account: What of *gross* was not paid yet and is not owed any more.
        paid_back: What of it goes back to who paid it. The rest is the programme's whose voucher paid it.
        burden: Who earns less by it.
        station_base: What the station's share is taken of from now on.
    """

    refund_id: UUID
    number: str
    order_id: UUID
    order_number: str
    customer_id: UUID
    state: RefundState
    cause: RefundCause
    net: Money
    tax: Money
    gross: Money
    on_account: Money
    paid_back: Money
    burden: Burden
    station_base: StationBase
    reason: str
    parts: tuple[RefundPart, ...]
    requested_at: Instant
    succeeded_at: Instant | None


class RequestRefund(Command):
    """
    Ask for a part of an order's net to be given back; somebody else approves it. → RefundView

    The tax follows from what is left of the order.
    """

    wire_name: ClassVar = "billing.request_refund"
    grants: ClassVar[Grants] = FINANCE

    order_id: UUID
    net: PositiveMoney
    burden: Burden
    station_base: StationBase = "remaining"
    reason: Remark


class ApproveRefund(Command):
    """
    The second pair of eyes: lets go a refund that was requested, or what of one waits to be transferred. → RefundView
    """

    wire_name: ClassVar = "billing.approve_refund"
    grants: ClassVar[Grants] = FINANCE

    refund_id: UUID


class CancelRefund(Command):
    """Take back a request that nobody has approved. → RefundView"""

    wire_name: ClassVar = "billing.cancel_refund"
    grants: ClassVar[Grants] = FINANCE

    refund_id: UUID


class RerouteRefund(Command):
    """
    Let what failed, or waits to be approved, go another way; somebody else approves it. → RefundView

    What the bank has been told of fails first.
    """

    wire_name: ClassVar = "billing.reroute_refund"
    grants: ClassVar[Grants] = FINANCE

    refund_id: UUID
    route: Literal["bank_transfer", "customer_credit"]


class FailRefund(Command):
    """
    The bank was told of a transfer and did not make it; said by somebody else than who approved it. → RefundView

    Attributes:
        payment_id: To whose payer, where the refund has several transfers; none: all that are under way.
    """

    wire_name: ClassVar = "billing.fail_refund"
    grants: ClassVar[Grants] = FINANCE

    refund_id: UUID
    payment_id: UUID | None = None
    reason: Remark


class WaiveRedLetter(Command):
    """Pay before the red-letter form is confirmed: takes two people, each calls it once. → RefundView"""

    wire_name: ClassVar = "billing.waive_red_letter"
    grants: ClassVar[Grants] = FINANCE

    refund_id: UUID


class GetRefund(Query):
    """→ RefundView"""

    wire_name: ClassVar = "billing.get_refund"
    grants: ClassVar[Grants] = {"customer": frozenset(), **FINANCE}

    refund_id: UUID


class GetRefundDocuments(Query):
    """The files by which the bank is told of a refund's transfers. → RefundDocuments"""

    wire_name: ClassVar = "billing.get_refund_documents"
    grants: ClassVar[Grants] = FINANCE

    refund_id: UUID


class RefundDocument(Message):
    """*url* holds for five minutes; none while the file is being written."""

    payment_id: UUID
    url: str | None
    sha256: str
    size_bytes: int
    filename: str


class RefundDocuments(View):
    items: tuple[RefundDocument, ...]


class ListRefunds(Query):
    """A customer's own; all for the operating company's finance; newest first. → RefundPage"""

    wire_name: ClassVar = "billing.list_refunds"
    grants: ClassVar[Grants] = {"self": frozenset(), **FINANCE}

    order_id: UUID | None = None
    state: RefundState | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class RefundPage(Page):
    items: tuple[RefundView, ...]


class _RefundEvent(Event):
    """
    What of *gross* goes where: *paid_back* to who paid it, *on_account* nowhere, for it was not paid yet and is not
    owed any more, the rest to the programme whose voucher paid it.
    """

    source: ClassVar = "billing"
    stream_of: ClassVar = ("order", "order_id")

    refund_id: UUID
    number: str
    order_id: UUID
    order_number: str
    customer_id: UUID
    cause: RefundCause
    net: Money
    tax: Money
    gross: Money
    on_account: Money
    paid_back: Money


class RefundAgreed(_RefundEvent):
    """
    So much of the order is given back. *invoiced*: the order's invoice must be corrected by a red-letter one first;
    otherwise what it will say is lower by this much, which a *cancellation* without performance leaves no invoice for.
    """

    wire_name: ClassVar = "refund.agreed.v1"

    invoiced: bool


class RefundSucceeded(_RefundEvent):
    """The customer has all of it."""

    wire_name: ClassVar = "refund.succeeded.v1"

    dispute_id: UUID | None
    succeeded_at: Instant


class RefundFailed(_RefundEvent):
    """A part of it could not be paid; somebody must send it another way. *failure*: a code."""

    wire_name: ClassVar = "refund.failed.v1"

    failure: str
