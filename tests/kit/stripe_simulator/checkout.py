"""Checkout sessions: Stripe's own page takes the payment."""

from typing import Any

from tests.kit.stripe_simulator import payment_intents
from tests.kit.stripe_simulator.books import Books, Obj, new_id
from tests.kit.stripe_simulator.errors import invalid, refused
from tests.kit.stripe_simulator.money import check_chargeable, currency_of
from tests.kit.stripe_simulator.params import (
    choice,
    merged_metadata,
    missing_param,
    needed_amount_minor,
    text,
    whole,
)

CREATE = frozenset({
    "cancel_url", "client_reference_id", "customer", "customer_email", "expires_at", "line_items", "locale", "metadata",
    "mode", "payment_intent_data", "allowed_payment_method_types", "submit_type", "success_url",
})  # fmt: skip
INTENT_DATA = ("description", "receipt_email", "statement_descriptor_suffix", "transfer_group")
EXPIRES_S_MIN, EXPIRES_S_MAX = 1800, 86_400


def line_items(params: Obj) -> tuple[list[Obj], str]:
    """Name, unit amount and quantity of each line, and the one currency of all."""
    given = params.get("line_items")
    if not isinstance(given, list) or not given:
        raise missing_param("line_items")
    lines, currencies = [], set()
    for place, item in enumerate(given):
        price: Any = item.get("price_data") if isinstance(item, dict) else None
        if not isinstance(price, dict):
            raise invalid("This stand-in knows lines with price_data only.", param=f"line_items[{place}][price_data]")
        currencies.add(currency_of(price))
        name = text(price.get("product_data") or {}, "name", required=True)
        quantity = whole(item, "quantity", minimum=1) or 1
        lines.append({"name": name, "unit_amount": needed_amount_minor(price, "unit_amount"), "quantity": quantity})
    if len(currencies) != 1:
        raise invalid("All line items must be in one currency.", param="line_items")
    return lines, currencies.pop()


def create(books: Books, params: Obj) -> Obj:
    if choice(params, "mode", ("payment", "setup", "subscription")) != "payment":
        raise invalid("This stand-in knows mode=payment only.", param="mode")
    if not text(params, "success_url"):
        raise missing_param("success_url")
    lines, currency = line_items(params)
    total_minor = sum(line["unit_amount"] * line["quantity"] for line in lines)
    check_chargeable(total_minor, currency)
    expires_at = whole(params, "expires_at") or books.now + EXPIRES_S_MAX
    if not EXPIRES_S_MIN - 60 <= expires_at - books.now <= EXPIRES_S_MAX + 60:
        raise invalid(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from now.", param="expires_at"
        )
    if text(params, "customer"):
        books.get("customer", params["customer"], param="customer", status=400)
    ident = new_id("cs_test")
    email = text(params, "customer_email")
    session: Obj = {
        "id": ident,
        "object": "checkout.session",
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": total_minor,
        "amount_total": total_minor,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": text(params, "cancel_url"),
        "client_reference_id": text(params, "client_reference_id"),
        "client_secret": None,
        "created": books.now,
        "currency": currency,
        "custom_fields": [],
        "custom_text": {"after_submit": None, "shipping_address": None, "submit": None},
        "customer": text(params, "customer"),
        "customer_creation": None if text(params, "customer") else "if_required",
        "customer_details": None,
        "customer_email": email,
        "expires_at": expires_at,
        "invoice": None,
        "livemode": False,
        "locale": text(params, "locale"),
        "metadata": merged_metadata({}, params),
        "mode": "payment",
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "setup_intent": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": text(params, "submit_type"),
        "subscription": None,
        "success_url": text(params, "success_url"),
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"{books.config.public_url}/pay/{ident}",
        "_lines": lines,
        "_intent_data": params.get("payment_intent_data") or {},
    }
    return books.add(session)


def check_open(session: Obj) -> None:
    if session["status"] != "open":
        raise refused(f"This Checkout Session has a status of {session['status']}, only open sessions can be used.")


def pay(books: Books, ident: str, payment_method: str) -> Obj:
    """
    The customer presses the button on the page.

    Raises:
        StripeError: The session is not open, or the card is declined (the session stays open).
    """
    settle_due(books)
    session = books.get("checkout.session", ident)
    check_open(session)
    if session["payment_intent"]:
        intent = books.get("payment_intent", session["payment_intent"])
    else:
        data = session["_intent_data"]
        intent = payment_intents.new_intent(
            books,
            session["amount_total"],
            session["currency"],
            customer=session["customer"],
            metadata=merged_metadata({}, data),
            **{name: text(data, name) for name in INTENT_DATA},
        )
        books.emit("payment_intent.created", intent)
        books.save(session | {"payment_intent": intent["id"]})
    payment_intents.confirm_now(books, intent, {"payment_method": payment_method})
    complete(books, intent)
    return books.get("checkout.session", ident)


def complete(books: Books, intent: Obj) -> None:
    """Close the session that a payment intent belongs to, if it has one and has succeeded."""
    if intent["status"] != "succeeded":
        return
    for session in books.all("checkout.session", payment_intent=intent["id"], status="open"):
        person = {
            "address": None,
            "email": session["customer_email"],
            "name": None,
            "phone": None,
            "tax_ids": [],
        }
        session |= {"status": "complete", "payment_status": "paid", "url": None, "customer_details": person}
        books.save(session)
        books.emit("checkout.session.completed", session)


def expire(books: Books, _params: Obj, ident: str) -> Obj:
    session = books.get("checkout.session", ident)
    check_open(session)
    return expire_now(books, session)


def expire_now(books: Books, session: Obj) -> Obj:
    session |= {"status": "expired", "url": None}
    books.save(session)
    if session["payment_intent"]:
        intent = books.get("payment_intent", session["payment_intent"])
        if intent["status"] in payment_intents.OPEN:
            payment_intents.cancel(books, {}, intent["id"])
    books.emit("checkout.session.expired", session)
    return session


def settle_due(books: Books) -> None:
    for session in books.all("checkout.session", status="open"):
        if session["expires_at"] <= books.now:
            expire_now(books, session)


def retrieve(books: Books, _params: Obj, ident: str) -> Obj:
    return books.get("checkout.session", ident)


def list_line_items(books: Books, _params: Obj, ident: str) -> Obj:
    session = books.get("checkout.session", ident)
    data = [
        {
            "id": f"li_{ident}_{place}",
            "object": "item",
            "amount_discount": 0,
            "amount_subtotal": line["unit_amount"] * line["quantity"],
            "amount_tax": 0,
            "amount_total": line["unit_amount"] * line["quantity"],
            "currency": session["currency"],
            "description": line["name"],
            "quantity": line["quantity"],
        }
        for place, line in enumerate(session["_lines"])
    ]
    return {
        "object": "list",
        "url": f"/v1/checkout/sessions/{ident}/line_items",
        "has_more": False,
        "data": data,
    }


def list_all(books: Books, params: Obj) -> Obj:
    return books.page(
        "checkout.session", params, "/v1/checkout/sessions", filters=("customer", "payment_intent", "status")
    )
