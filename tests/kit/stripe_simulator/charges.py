"""Charges: one attempt to take money from a card."""

from tests.kit.stripe_simulator import balance
from tests.kit.stripe_simulator.books import Books, Obj, new_id
from tests.kit.stripe_simulator.cards import Card, card_details
from tests.kit.stripe_simulator.money import fee_details
from tests.kit.stripe_simulator.params import merged_metadata, text

NO_ADDRESS = {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None}


def new_charge(books: Books, intent: Obj, card: Card, **members: object) -> Obj:
    charge: Obj = {
        "id": new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": {
            "address": NO_ADDRESS,
            "email": None,
            "name": None,
            "phone": None,
            "tax_id": None,
        },
        "calculated_statement_descriptor": "YIQI",
        "captured": False,
        "created": books.now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": intent["metadata"],
        "on_behalf_of": None,
        "outcome": None,
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": {"card": card_details(card), "type": "card"},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "failed",
        "transfer_data": None,
        "transfer_group": intent["transfer_group"],
    }
    return charge | members


def outcome(kind: str, network_status: str, reason: str | None, message: str) -> Obj:
    return {
        "network_status": network_status,
        "reason": reason,
        "risk_level": "normal",
        "seller_message": message,
        "type": kind,
    }


def create_succeeded(books: Books, intent: Obj, card: Card) -> Obj:
    charge = new_charge(
        books,
        intent,
        card,
        amount_captured=intent["amount"],
        captured=True,
        outcome=outcome("authorized", "approved_by_network", None, "Payment complete."),
        paid=True,
        status="succeeded",
        _available_at_once=card.available_at_once,
    )
    books.add(charge)
    if not books.setting("late_balance_transaction"):
        settle(books, charge)
    return charge


def create_failed(books: Books, intent: Obj, card: Card, code: str, message: str) -> Obj:
    charge = new_charge(
        books,
        intent,
        card,
        failure_code=code,
        failure_message=message,
        outcome=outcome("issuer_declined", "declined_by_network", code, "The bank declined this payment."),
    )
    books.add(charge)
    books.emit("charge.failed", charge)
    return charge


def settle(books: Books, charge: Obj) -> Obj:
    """Book the charge's money and fee; with asynchronous capture Stripe does so only after the charge has succeeded."""
    config = books.config
    txn = balance.post(
        books,
        "charge",
        charge["id"],
        charge["amount"],
        charge["currency"],
        fees=fee_details(
            charge["amount"],
            charge["currency"],
            fee_bps=config.fee_bps,
            fee_fixed_minor=config.fee_fixed_minor,
            fee_vat_bps=config.fee_vat_bps,
            fee_includes_vat=config.fee_includes_vat,
        ),
        available_on=books.now + (0 if charge["_available_at_once"] else config.available_after_s),
        description=charge["description"],
    )
    charge["balance_transaction"] = txn["id"]
    return books.save(charge)


def settle_late(books: Books) -> int:
    """Book every succeeded charge that has no balance transaction yet, and say so by `charge.updated`."""
    late = [c for c in books.all("charge", status="succeeded") if c["balance_transaction"] is None]
    for charge in late:
        books.emit("charge.updated", settle(books, charge), {"balance_transaction": None})
    return len(late)


def retrieve(books: Books, _params: Obj, ident: str) -> Obj:
    return books.get("charge", ident)


def update(books: Books, params: Obj, ident: str) -> Obj:
    charge = books.get("charge", ident)
    charge["metadata"] = merged_metadata(charge["metadata"], params)
    for name in ("description", "transfer_group"):
        if name in params:
            charge[name] = text(params, name)
    return books.save(charge)


def list_all(books: Books, params: Obj) -> Obj:
    return books.page("charge", params, "/v1/charges", filters=("customer", "payment_intent", "transfer_group"))
