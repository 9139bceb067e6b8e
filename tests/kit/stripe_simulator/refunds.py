"""Refunds: money back to the card, never more than was paid."""

from tests.kit.stripe_simulator import balance
from tests.kit.stripe_simulator.books import Books, Obj, new_id
from tests.kit.stripe_simulator.cards import card_of
from tests.kit.stripe_simulator.errors import invalid, refused
from tests.kit.stripe_simulator.money import shown
from tests.kit.stripe_simulator.params import choice, merged_metadata, needed_amount_minor, text

CREATE = frozenset({"amount", "charge", "metadata", "payment_intent", "reason"})
REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def create(books: Books, params: Obj) -> Obj:
    asked_minor = needed_amount_minor(params) if "amount" in params else None
    reason = choice(params, "reason", REASONS)
    charge = charge_to_refund(books, params)
    left_minor = charge["amount"] - charge["amount_refunded"]
    if charge["status"] != "succeeded":
        raise refused(f"Charge {charge['id']} was not paid and cannot be refunded.", code="charge_not_refundable")
    if charge["disputed"] and any(d["status"] != "won" for d in books.all("dispute", charge=charge["id"])):
        raise refused(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    if left_minor == 0:
        raise refused(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount_minor = left_minor if asked_minor is None else asked_minor
    currency = charge["currency"]
    if amount_minor > left_minor:
        raise refused(
            f"Refund amount ({shown(amount_minor, currency)}) is greater than unrefunded amount on charge "
            f"({shown(left_minor, currency)})",
            param="amount",
        )
    outcome = card_of(books, charge["payment_method"]).refund
    refund: Obj = {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount_minor,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": books.now,
        "currency": currency,
        "destination_details": {
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": merged_metadata({}, params),
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending" if outcome == "pending" else "succeeded",
        "transfer_reversal": None,
    }
    txn = balance.post(books, "refund", refund["id"], -amount_minor, currency, description="REFUND FOR CHARGE")
    refund["balance_transaction"] = txn["id"]
    books.add(refund)
    previous = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    count_refunded(books, charge, amount_minor)
    books.emit("refund.created", refund)
    books.emit("charge.refunded", charge, previous)
    return refund


def charge_to_refund(books: Books, params: Obj) -> Obj:
    ident, intent_id = text(params, "charge"), text(params, "payment_intent")
    if bool(ident) == bool(intent_id):
        raise invalid(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    if ident:
        return books.get("charge", ident, param="charge")
    intent = books.get("payment_intent", intent_id or "", param="payment_intent")
    if intent["status"] != "succeeded":
        raise refused(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            param="payment_intent",
        )
    return books.get("charge", intent["latest_charge"], param="charge")


def count_refunded(books: Books, charge: Obj, amount_minor: int) -> None:
    charge["amount_refunded"] += amount_minor
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    books.save(charge)


def settle(books: Books, ident: str, status: str) -> Obj:
    """
    The card's bank has answered a refund: `succeeded` or `failed`. A refund that succeeded may still fail later.

    Raises:
        StripeError: It has failed before, or it cannot take that status.
    """
    refund = books.get("refund", ident)
    if (
        refund["status"] not in {"pending", "succeeded"}
        or status not in {"succeeded", "failed"}
        or refund["status"] == status
    ):
        raise refused(f"A {refund['status']} refund cannot become {status}.")
    previous = {"status": refund["status"]}
    refund["status"] = status
    if status == "failed":
        txn = balance.post(books, "refund_failure", refund["id"], refund["amount"], refund["currency"])
        refund |= {"failure_balance_transaction": txn["id"], "failure_reason": "expired_or_canceled_card"}
        charge = books.get("charge", refund["charge"])
        count_refunded(books, charge, -refund["amount"])
    books.save(refund)
    # Stripe tells of it twice, under the name of before 2024 too.
    books.emit("charge.refund.updated", refund, previous)
    books.emit("refund.updated", refund, previous)
    if status == "failed":
        books.emit("refund.failed", refund)
    return refund


def settle_due(books: Books) -> None:
    """What the cards `pm_card_pendingRefund` and `pm_card_refundFail` do some time later."""
    for refund in books.all("refund"):
        outcome = card_of(books, books.get("charge", refund["charge"])["payment_method"]).refund
        if outcome == "pending" and refund["status"] == "pending":
            settle(books, refund["id"], "succeeded")
        if outcome == "failing" and refund["status"] == "succeeded":
            settle(books, refund["id"], "failed")


def retrieve(books: Books, _params: Obj, ident: str) -> Obj:
    return books.get("refund", ident)


def update(books: Books, params: Obj, ident: str) -> Obj:
    refund = books.get("refund", ident)
    refund["metadata"] = merged_metadata(refund["metadata"], params)
    return books.save(refund)


def list_all(books: Books, params: Obj) -> Obj:
    return books.page("refund", params, "/v1/refunds", filters=("charge", "payment_intent"))
