"""The real Stripe SDK pointed at a stand-in, and the payment that most tests begin with."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import stripe

CARD_PAYMENT: dict[str, Any] = {
    "amount": 106_000,
    "currency": "cny",
    "payment_method": "pm_card_visa",
    # Without this Stripe wants a return_url, for methods that would send the customer elsewhere.
    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
    "confirm": True,
}


@contextmanager
def sdk(url: str, key: str, *, retries: int = 0, timeout_s: float = 10) -> Iterator[stripe.StripeClient]:
    """A client of its own, whose connections are closed at the end of the `with`."""
    http = stripe.RequestsClient(timeout=timeout_s)
    try:
        yield stripe.StripeClient(key, base_addresses={"api": url}, http_client=http, max_network_retries=retries)
    finally:
        http.close()  # type: ignore[no-untyped-call] # the SDK leaves it untyped


def pay(
    client: stripe.StripeClient,
    amount_minor: int = 106_000,
    currency: str = "cny",
    card: str = "pm_card_visa",
    **more: Any,
) -> stripe.PaymentIntent:
    """Create and confirm a payment intent in one call; raises CardError for a card that declines."""
    params: Any = {**CARD_PAYMENT, "amount": amount_minor, "currency": currency, "payment_method": card, **more}
    return client.v1.payment_intents.create(params)


def charge_of(intent: stripe.PaymentIntent) -> str:
    """The id of the intent's latest charge, which must not be expanded."""
    if not isinstance(intent.latest_charge, str):
        raise TypeError(f"{intent.id} has no charge id: {intent.latest_charge!r}")
    return intent.latest_charge


def connected_account(client: stripe.StripeClient) -> str:
    """The id of a new connected account that may receive transfers."""
    made = client.v1.accounts.create(
        {
            "type": "express",
            "country": "US",
            "capabilities": {"transfers": {"requested": True}},
        }
    )
    return made.id
