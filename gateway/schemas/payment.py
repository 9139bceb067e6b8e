"""Payments as the customer and as the operating company see them."""

from uuid import UUID

from gateway.schemas.base import Listed, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import Instant
from services.shared.messages.billing.payment import PaymentMethod, PaymentState


class OperatorPayment(Shown):
    """A payment, to the operating company: without the secret that only the payer's browser needs."""

    payment_id: UUID
    order_id: UUID
    order_number: str
    customer_id: UUID
    method: PaymentMethod
    state: PaymentState
    amount: Money
    received: Money
    reference: str | None
    account_name: str | None
    account_number: str | None
    bank_name: str | None
    failure: str
    action_required: bool
    succeeded_at: Instant | None


class CustomerPayment(OperatorPayment):
    """
    A payment, to the customer. *client_secret*: card only; *code_url*: splitting channel only, scanned to pay;
    *reference*: transfer only, to be stated by the payer;
    *action_required*: the card's bank waits for the customer (3-D Secure), where the client secret leads.
    """

    client_secret: str | None
    code_url: str | None


class PaymentPage(Shown):
    items: tuple[CustomerPayment | OperatorPayment, ...]
    next_cursor: str | None


class PaymentsListed(Listed):
    """*state* unknown: what was paid is not what was asked, and a person must look."""

    order_id: UUID | None = None
    state: PaymentState | None = None


class StripeReceipt(Shown):
    stripe_event_id: str
    seen_before: bool
