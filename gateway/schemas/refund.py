"""Refunds as the customer and as the operating company see them."""

from typing import Literal
from uuid import UUID

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import Instant, PositiveMoney, Remark
from services.shared.messages.billing.refund import (
    Burden,
    RefundCause,
    RefundPartState,
    RefundRoute,
    RefundState,
    StationBase,
)


class RefundToRequest(Schema):
    """*net* of the order's net price; the tax follows. *burden*: who earns less by it."""

    order_id: UUID
    net: PositiveMoney
    burden: Burden
    station_base: StationBase = "remaining"
    reason: Remark


class RefundToReroute(Schema):
    route: Literal["bank_transfer", "customer_credit"]


class RefundToFail(Schema):
    """*payment_id*: to whose payer, where the refund has several transfers; none: all that are under way."""

    payment_id: UUID | None = None
    reason: Remark


class CustomerRefundPart(Shown):
    """By which way how much goes back."""

    route: RefundRoute
    amount: Money
    state: RefundPartState


class RefundPart(CustomerRefundPart):
    payment_id: UUID
    account_name: str
    account_number: str
    bank_name: str
    failure: str


class CustomerRefund(Shown):
    """A refund, to the customer: not who bears it."""

    refund_id: UUID
    number: str
    order_id: UUID
    order_number: str
    state: RefundState
    cause: RefundCause
    net: Money
    tax: Money
    gross: Money
    on_account: Money
    paid_back: Money
    parts: tuple[CustomerRefundPart, ...]
    requested_at: Instant
    succeeded_at: Instant | None


class OperatorRefund(CustomerRefund):
    customer_id: UUID
    burden: Burden
    station_base: StationBase
    reason: str
    parts: tuple[RefundPart, ...]


class RefundPage(Shown):
    items: tuple[OperatorRefund | CustomerRefund, ...]
    next_cursor: str | None


class RefundsListed(Listed):
    order_id: UUID | None = None
    state: RefundState | None = None


class RefundDocument(Shown):
    """*url* holds for five minutes; none while the file is being written."""

    payment_id: UUID
    url: str | None
    sha256: str
    size_bytes: int
    filename: str


class RefundDocuments(Shown):
    items: tuple[RefundDocument, ...]
