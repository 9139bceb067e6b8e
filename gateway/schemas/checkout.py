"""Checkouts as the customer sees them."""

from uuid import UUID

from gateway.schemas.base import Schema, Shown
from services.shared.messages.base import Instant
from services.shared.messages.billing.checkout import Address, CheckoutState


class CheckoutToOpen(Schema):
    """Pages of our own portal that the customer comes back to: after paying, and without."""

    success_url: Address
    cancel_url: Address


class Checkout(Shown):
    """A page of the payment institution. *url*: where to send the customer's browser, once it is made."""

    checkout_id: UUID
    payment_id: UUID
    state: CheckoutState
    url: str | None
    expires_at: Instant | None
    failure: str
