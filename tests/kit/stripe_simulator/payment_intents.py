"""Payment intents: from creation over the customer's card and bank to a charge."""

import secrets

from tests.kit.stripe_simulator import charges, disputes
from tests.kit.stripe_simulator.books import Books, Obj, new_id
from tests.kit.stripe_simulator.cards import Card, card_of, payment_method_of
from tests.kit.stripe_simulator.errors import StripeError, invalid, refused
from tests.kit.stripe_simulator.money import check_chargeable, currency_of
from tests.kit.stripe_simulator.params import choice, flag, merged_metadata, needed_amount_minor, text

CREATE = frozenset({
    "amount", "automatic_payment_methods", "capture_method", "confirm", "confirmation_method", "currency", "customer",
    "description", "metadata", "off_session", "payment_method", "allowed_payment_method_types", "receipt_email",
    "return_url",
    "statement_descriptor_suffix", "transfer_group", "error_on_requires_action",
})  # fmt: skip
UPDATE = frozenset({
    "amount", "currency", "customer", "description", "metadata", "payment_method", "receipt_email",
    "statement_descriptor_suffix", "transfer_group",
})  # fmt: skip
CONFIRM = frozenset(
    {
        "payment_method",
        "return_url",
        "off_session",
        "receipt_email",
        "client_secret",
        "key",
        "error_on_requires_action",
    }
)
CANCELLATION_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(books: Books, params: Obj) -> Obj:
    amount_minor = needed_amount_minor(params)
    currency = currency_of(params)
    check_chargeable(amount_minor, currency)
    capture = choice(params, "capture_method", ("automatic", "automatic_async", "manual"))
    if capture == "manual":
        raise invalid(
            "This stand-in captures automatically; capture_method=manual is not offered.",
            param="capture_method",
        )
    if text(params, "customer"):
        books.get("customer", params["customer"], param="customer", status=400)
    intent = new_intent(
        books,
        amount_minor,
        currency,
        capture_method=capture or "automatic_async",
        confirmation_method=choice(params, "confirmation_method", ("automatic", "manual")) or "automatic",
        customer=text(params, "customer"),
        description=text(params, "description"),
        metadata=merged_metadata({}, params),
        allowed_payment_method_types=params.get("allowed_payment_method_types"),
        receipt_email=text(params, "receipt_email"),
        statement_descriptor_suffix=text(params, "statement_descriptor_suffix"),
        transfer_group=text(params, "transfer_group"),
    )
    automatic = params.get("automatic_payment_methods", {})
    intent["automatic_payment_methods"] = {
        "allow_redirects": automatic.get("allow_redirects", "always"),
        "enabled": automatic.get("enabled", "true") == "true",
    }
    if text(params, "payment_method"):
        intent["payment_method"] = payment_method_of(books, params["payment_method"])["id"]
        intent["status"] = "requires_confirmation"
    books.save(intent)
    if flag(params, "confirm"):
        check_return_url(intent, params)
    elif text(params, "return_url"):
        raise invalid("`return_url` may only be given together with confirm=true.", param="return_url")
    books.emit("payment_intent.created", intent)
    return confirm_now(books, intent, params) if flag(params, "confirm") else intent


def new_intent(books: Books, amount_minor: int, currency: str, **members: object) -> Obj:
    ident = new_id("pi")
    intent: Obj = {
        "id": ident,
        "object": "payment_intent",
        "amount": amount_minor,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{ident}_secret_{secrets.token_urlsafe(18).replace('-', 'x').replace('_', 'y')}",
        "confirmation_method": "automatic",
        "created": books.now,
        "currency": currency,
        "customer": None,
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {"card": {"installments": None, "request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }
    return books.add(intent | members)


def check_return_url(intent: Obj, params: Obj) -> None:
    """Stripe wants an address to come back to whenever a payment method that redirects could be chosen."""
    automatic = intent["automatic_payment_methods"]
    if (
        automatic
        and automatic["enabled"]
        and automatic["allow_redirects"] == "always"
        and not text(params, "return_url")
    ):
        raise invalid(
            "This PaymentIntent is configured to accept payment methods that might redirect your customer off of "
            "your page: provide a `return_url`, or set automatic_payment_methods[allow_redirects] to never.",
            param="return_url",
        )


def unexpected_state(intent: Obj, act: str) -> StripeError:
    return refused(
        f"You cannot {act} this PaymentIntent because it has a status of {intent['status']}.",
        code="payment_intent_unexpected_state",
        payment_intent={key: value for key, value in intent.items() if not key.startswith("_")},
    )


def confirm(books: Books, params: Obj, ident: str) -> Obj:
    intent = books.get("payment_intent", ident, param="intent")
    if intent["status"] not in OPEN:
        raise unexpected_state(intent, "confirm")
    check_return_url(intent, params)
    return confirm_now(books, intent, params)


def confirm_now(books: Books, intent: Obj, params: Obj) -> Obj:
    """
    Try the payment with `payment_method` of *params*, or with the one that the intent has.

    Raises:
        StripeError: 402 when the card is declined; the failed charge and its events stay.
    """
    if text(params, "payment_method"):
        intent["payment_method"] = payment_method_of(books, params["payment_method"])["id"]
    if not intent["payment_method"]:
        raise invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            param="payment_method",
            code="payment_intent_unexpected_state",
        )
    intent |= {"last_payment_error": None, "next_action": None}
    card = card_of(books, intent["payment_method"])
    if card.decline:
        return decline(books, intent, card)
    if card.authentication:
        if flag(params, "error_on_requires_action"):
            raise StripeError(
                "Your card was declined. This transaction requires authentication.",
                status=402,
                error_type="card_error",
                code="authentication_required",
            )
        back = text(params, "return_url")
        intent |= {"status": "requires_action", "_return_url": back}
        url = f"{books.config.public_url}/authenticate/{intent['id']}?client_secret={intent['client_secret']}"
        if back:
            intent["next_action"] = {
                "type": "redirect_to_url",
                "redirect_to_url": {"return_url": back, "url": url},
            }
        else:
            intent["next_action"] = {
                "type": "use_stripe_sdk",
                "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url},
            }
        books.save(intent)
        books.emit("payment_intent.requires_action", intent)
        return intent
    return succeed(books, intent, card)


def succeed(books: Books, intent: Obj, card: Card) -> Obj:
    charge = charges.create_succeeded(books, intent, card)
    intent |= {
        "status": "succeeded",
        "amount_received": intent["amount"],
        "latest_charge": charge["id"],
        "next_action": None,
    }
    books.save(intent)
    books.emit("charge.succeeded", charge)
    books.emit("payment_intent.succeeded", intent)
    if card.dispute:
        disputes.open_dispute(books, charge)
    return intent


def decline(books: Books, intent: Obj, card: Card) -> Obj:
    code, decline_code, message = card.decline or ("", "", "")
    charge = charges.create_failed(books, intent, card, code, message)
    fail(books, intent, message, code, charge=charge["id"], decline_code=decline_code or None)
    shown = books.public(intent)
    facts = {
        key: value for key, value in intent["last_payment_error"].items() if key not in {"message", "type", "code"}
    }
    raise StripeError(
        message,
        status=402,
        error_type="card_error",
        code=code,
        facts=facts | {"payment_intent": shown},
        keeps_effect=True,
    )


def fail(
    books: Books,
    intent: Obj,
    message: str,
    code: str,
    *,
    charge: str | None = None,
    decline_code: str | None = None,
) -> None:
    """The attempt failed: the intent waits for another payment method."""
    error: Obj = {
        "code": code,
        "message": message,
        "payment_method": books.public(books.any(intent["payment_method"]) or {}),
        "type": "card_error" if charge else "invalid_request_error",
    }
    if charge:
        error["charge"] = charge
        intent["latest_charge"] = charge
    if decline_code:
        error["decline_code"] = decline_code
    intent |= {
        "status": "requires_payment_method",
        "last_payment_error": error,
        "payment_method": None,
        "next_action": None,
    }
    books.save(intent)
    books.emit("payment_intent.payment_failed", intent)


def authenticate(books: Books, intent: Obj, *, passed: bool) -> Obj:
    """The customer's bank has answered; *passed* is False when the customer failed or refused."""
    if intent["status"] != "requires_action":
        raise unexpected_state(intent, "authenticate")
    if passed:
        return succeed(books, intent, card_of(books, intent["payment_method"]))
    message = (
        "We are unable to authenticate your payment method. Please choose a different payment method and try again."
    )
    fail(books, intent, message, "payment_intent_authentication_failure")
    return intent


def cancel(books: Books, params: Obj, ident: str) -> Obj:
    reason = choice(params, "cancellation_reason", CANCELLATION_REASONS)
    intent = books.get("payment_intent", ident, param="intent")
    if intent["status"] not in OPEN:
        raise unexpected_state(intent, "cancel")
    intent |= {
        "status": "canceled",
        "canceled_at": books.now,
        "cancellation_reason": reason,
        "next_action": None,
    }
    books.save(intent)
    books.emit("payment_intent.canceled", intent)
    return intent


def update(books: Books, params: Obj, ident: str) -> Obj:
    intent = books.get("payment_intent", ident, param="intent")
    frozen = {"amount", "currency", "customer", "payment_method"}
    if frozen & params.keys() and intent["status"] not in OPEN[:2]:
        raise unexpected_state(intent, "update")
    if "currency" in params:
        intent["currency"] = currency_of(params)
    if "amount" in params:
        intent["amount"] = needed_amount_minor(params)
    check_chargeable(intent["amount"], intent["currency"])
    if text(params, "payment_method"):
        intent |= {
            "payment_method": payment_method_of(books, params["payment_method"])["id"],
            "status": "requires_confirmation",
        }
    if text(params, "customer"):
        intent["customer"] = books.get("customer", params["customer"], param="customer", status=400)["id"]
    for name in ("description", "receipt_email", "statement_descriptor_suffix", "transfer_group"):
        if name in params:
            intent[name] = text(params, name)
    intent["metadata"] = merged_metadata(intent["metadata"], params)
    return books.save(intent)


def retrieve(books: Books, _params: Obj, ident: str) -> Obj:
    return books.get("payment_intent", ident, param="intent")


def list_all(books: Books, params: Obj) -> Obj:
    return books.page("payment_intent", params, "/v1/payment_intents", filters=("customer",))
