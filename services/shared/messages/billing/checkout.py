"""Checkouts: the payment institution's own page on which a customer pays by card."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import StringConstraints

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Command, Instant, Query, View

CheckoutState = Literal["created", "open", "complete", "expired", "failed"]
Address = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]

_CUSTOMER: Grants = {"customer": frozenset()}


class CheckoutView(View):
    """
    Attributes:
        url: Where to send the customer's browser; none until the page is made, and once it is over.
        failure: Code, where the institution would not make it.
    """

    checkout_id: UUID
    payment_id: UUID
    state: CheckoutState
    url: str | None
    expires_at: Instant | None
    failure: str


class OpenCheckout(Command):
    """
    Ask for a page to pay *payment_id* on. One is open at a time: it is given again while it holds. → CheckoutView

    Attributes:
        success_url, cancel_url: Pages of our own portal that the customer comes back to.
    """

    wire_name: ClassVar = "billing.open_checkout"
    grants: ClassVar[Grants] = _CUSTOMER

    payment_id: UUID
    success_url: Address
    cancel_url: Address


class GetCheckout(Query):
    """→ CheckoutView"""

    wire_name: ClassVar = "billing.get_checkout"
    grants: ClassVar[Grants] = _CUSTOMER

    checkout_id: UUID
