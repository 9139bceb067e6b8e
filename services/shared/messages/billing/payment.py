"""Payments: what a customer pays for an order, by card or by bank transfer."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import StringConstraints

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import Command, Event, Instant, Page, Query, View

PaymentState = Literal["created", "pending", "succeeded", "failed", "cancelled", "unknown"]
PaymentMethod = Literal["card", "bank_transfer", "platform_channel", "direct_transfer"]
"""*direct_transfer*: into the account of the provider, which sells, or into a bank's custody; never the company's."""


class PaymentView(View):
    """
    Attributes:
        client_secret: Card only: with it the customer's browser pays at the payment institution.
        code_url: Splitting channel only: what the customer's phone scans to pay; none until it is made, and once it is
            paid or closed.
        reference: Bank transfer only: to be stated by the payer; it is how the money finds its order.
        received: So far.
        action_required: The card's bank waits for the customer (3-D Secure).
    """

    payment_id: UUID
    order_id: UUID
    order_number: str
    customer_id: UUID
    method: PaymentMethod
    state: PaymentState
    amount: Money
    received: Money
    client_secret: str | None
    reference: str | None
    account_name: str | None
    account_number: str | None
    bank_name: str | None
    failure: str
    action_required: bool = False
    succeeded_at: Instant | None
    code_url: str | None = None


class GetPayment(Query):
    """→ PaymentView"""

    wire_name: ClassVar = "billing.get_payment"
    grants: ClassVar[Grants] = {"customer": frozenset(), "operator": frozenset({"finance_operator", "administrator"})}

    payment_id: UUID


class ListPayments(Query):
    """A customer's own, or all for the operating company's finance; newest first. → PaymentPage"""

    wire_name: ClassVar = "billing.list_payments"
    grants: ClassVar[Grants] = {"self": frozenset(), "operator": frozenset({"finance_operator", "administrator"})}

    order_id: UUID | None = None
    state: PaymentState | None = None
    after: str | None = None
    limit: int = 50


class PaymentPage(Page):
    items: tuple[PaymentView, ...]


class RecordStripeEvent(Command):
    """
    A webhook as it came in. Its signature is what lets it in; its content only says what to fetch anew.

    Attributes:
        body: The raw bytes, as text; not parsed and written again on the way, or no signature would fit.
        signature: The header Stripe-Signature.
    """

    wire_name: ClassVar = "billing.record_stripe_event"
    grants: ClassVar[Grants] = {"anyone": frozenset()}

    body: Annotated[str, StringConstraints(max_length=1_000_000)]
    signature: Annotated[str, StringConstraints(max_length=2_000)]


class StripeEventReceipt(View):
    """*stripe_event_id* is stored and will be acted on; *seen_before*: it was stored earlier."""

    stripe_event_id: str
    seen_before: bool


class _PaymentEvent(Event):
    source: ClassVar = "billing"
    stream_of: ClassVar = ("order", "order_id")

    payment_id: UUID
    order_id: UUID
    order_number: str
    customer_id: UUID
    method: PaymentMethod
    amount: Money


class PaymentOpened(_PaymentEvent):
    """The customer is asked for this much; *due_on*: the last day to pay it, none: at once."""

    wire_name: ClassVar = "payment.opened.v1"

    reference: str | None
    due_on: date | None = None


class PaymentSucceeded(_PaymentEvent):
    """
    The money is there.

    Attributes:
        channel_transaction_id: Stripe's charge, the splitting channel's payment, or the bank's serial number.
    """

    wire_name: ClassVar = "payment.succeeded.v1"

    channel_transaction_id: str
    succeeded_at: Instant


class PaymentFailed(_PaymentEvent):
    """The card was refused; the customer may try another."""

    wire_name: ClassVar = "payment.failed.v1"

    failure: str


class PaymentInDoubt(_PaymentEvent):
    """What came is not what was asked; nothing is booked and a person must look. *reason* is a code."""

    wire_name: ClassVar = "payment.in_doubt.v1"

    received: Money
    reason: str
