"""Stripe's test cards, by the name of their payment method."""

from dataclasses import dataclass

from tests.kit.stripe_simulator.books import Books, Obj, new_id
from tests.kit.stripe_simulator.errors import missing


@dataclass(frozen=True)
class Card:
    """What paying with a test card leads to; `decline` is (code, decline code, message)."""

    last4: str
    decline: tuple[str, str, str] | None = None
    authentication: bool = False
    dispute: bool = False
    refund: str = "succeeded"
    available_at_once: bool = False


DECLINED = "Your card was declined."
VISA = Card("4242")
CARDS = {
    "pm_card_visa": VISA,
    "pm_card_mastercard": Card("4444"),
    "pm_card_bypassPending": Card("0077", available_at_once=True),
    "pm_card_chargeDeclined": Card("0002", decline=("card_declined", "generic_decline", DECLINED)),
    "pm_card_chargeDeclinedInsufficientFunds": Card(
        "9995", decline=("card_declined", "insufficient_funds", "Your card has insufficient funds.")
    ),
    "pm_card_chargeDeclinedExpiredCard": Card("0069", decline=("expired_card", "", "Your card has expired.")),
    "pm_card_authenticationRequired": Card("3184", authentication=True),
    "pm_card_createDispute": Card("0259", dispute=True),
    "pm_card_pendingRefund": Card("7726", refund="pending"),
    "pm_card_refundFail": Card("5126", refund="failing"),
}
ALIASES = {
    "pm_card_visa_chargeDeclined": "pm_card_chargeDeclined",
    "pm_card_threeDSecure2Required": "pm_card_authenticationRequired",
}


def payment_method_of(books: Books, named: str) -> Obj:
    """
    The payment method of that id; a test card's name makes a new one, as at Stripe.

    Raises:
        StripeError: Neither a test card nor a known payment method.
    """
    token = ALIASES.get(named, named)
    if token not in CARDS:
        found = books.any(named)
        if found is None or found["object"] != "payment_method":
            raise missing("PaymentMethod", named, param="payment_method", status=400)
        return found
    return books.add(
        {
            "id": new_id("pm"),
            "object": "payment_method",
            "billing_details": {"address": None, "email": None, "name": None, "phone": None},
            "card": card_details(CARDS[token]),
            "created": books.now,
            "customer": None,
            "livemode": False,
            "metadata": {},
            "type": "card",
            "_card": token,
        }
    )


def card_of(books: Books, payment_method: str | None) -> Card:
    found = books.any(payment_method or "")
    return CARDS[found["_card"]] if found else VISA


def card_details(card: Card) -> Obj:
    return {
        "brand": "visa",
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "exp_month": 8,
        "exp_year": 2034,
        "fingerprint": f"fingerprint{card.last4}",
        "funding": "credit",
        "last4": card.last4,
        "network": "visa",
        "wallet": None,
    }


def read_payment_method(books: Books, _params: Obj, ident: str) -> Obj:
    return books.get("payment_method", ident)
