"""Disputes: the customer's bank takes the money back until it decides."""

from tests.kit.stripe_simulator import balance
from tests.kit.stripe_simulator.books import Books, Obj, new_id
from tests.kit.stripe_simulator.errors import refused
from tests.kit.stripe_simulator.params import flag, merged_metadata

UPDATE = frozenset({"evidence", "metadata", "submit"})
OPEN = ("needs_response", "under_review")
FILES = frozenset({
    "cancellation_policy", "customer_communication", "customer_signature", "duplicate_charge_documentation", "receipt",
    "refund_policy", "service_documentation", "shipping_documentation", "uncategorized_file",
})  # fmt: skip
EVIDENCE_DAYS_S = 7 * 86_400


def open_dispute(books: Books, charge: Obj, *, amount_minor: int | None = None, reason: str = "fraudulent") -> Obj:
    """
    Take *amount_minor* (default: the whole charge) and the dispute fee from the balance.

    Raises:
        StripeError: The charge was not paid, is disputed already, or is smaller than the amount.
    """
    amount_minor = charge["amount"] if amount_minor is None else amount_minor
    if charge["status"] != "succeeded" or charge["disputed"] or not 0 < amount_minor <= charge["amount"]:
        raise refused(f"Charge {charge['id']} cannot be disputed for {amount_minor}.")
    dispute: Obj = {
        "id": new_id("dp"),
        "object": "dispute",
        "amount": amount_minor,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": books.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {},
        "evidence_details": {
            "due_by": books.now + EVIDENCE_DAYS_S,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {"brand": "visa", "case_type": "chargeback", "network_reason_code": "83"},
            "type": "card",
        },
        "reason": reason,
        "status": "needs_response",
    }
    books.add(dispute)
    charge["disputed"] = True
    books.save(charge)
    books.emit("charge.dispute.created", dispute)
    fee_minor = books.config.dispute_fee_minor
    fee = {
        "amount": fee_minor,
        "application": None,
        "currency": charge["currency"],
        "description": "Dispute fee",
        "type": "stripe_fee",
    }
    move(books, dispute, -amount_minor, "dispute", [fee] if fee_minor else [])
    books.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def move(books: Books, dispute: Obj, amount_minor: int, category: str, fees: list[Obj]) -> None:
    txn = balance.post(
        books,
        "adjustment",
        dispute["id"],
        amount_minor,
        dispute["currency"],
        fees=fees,
        category=category,
        description=f"Chargeback {'withdrawal' if amount_minor < 0 else 'reversal'} for {dispute['charge']}",
    )
    dispute["balance_transactions"].append(books.public(txn))
    books.save(dispute)


def decide(books: Books, ident: str, *, won: bool) -> Obj:
    """
    Close a dispute; when *won* the disputed amount comes back, the fee never does.

    Raises:
        StripeError: It is closed already.
    """
    dispute = books.get("dispute", ident)
    if dispute["status"] not in OPEN:
        raise refused(f"This dispute is already closed ({dispute['status']}).", param="dispute")
    previous = {"status": dispute["status"]}
    dispute["status"] = "won" if won else "lost"
    books.save(dispute)
    if won:
        move(books, dispute, dispute["amount"], "dispute_reversal", [])
        books.emit("charge.dispute.funds_reinstated", dispute)
    books.emit("charge.dispute.closed", dispute, previous)
    return dispute


def close(books: Books, _params: Obj, ident: str) -> Obj:
    """The merchant gives up: the dispute is lost."""
    return decide(books, ident, won=False)


def update(books: Books, params: Obj, ident: str) -> Obj:
    dispute = books.get("dispute", ident)
    evidence = params.get("evidence")
    if isinstance(evidence, dict):
        if dispute["status"] not in OPEN:
            raise refused("This dispute is already closed.", param="dispute")
        if books.now >= dispute["evidence_details"]["due_by"]:
            raise refused("The due date for evidence of this dispute has passed.", param="evidence")
        for name in FILES & evidence.keys():
            books.get("file", evidence[name], param=f"evidence[{name}]", status=400)
        dispute["evidence"] |= evidence
        dispute["evidence_details"]["has_evidence"] = True
        if params.get("submit") is None or flag(params, "submit"):
            dispute["evidence_details"]["submission_count"] += 1
            dispute["status"] = "under_review"
    dispute["metadata"] = merged_metadata(dispute["metadata"], params)
    books.save(dispute)
    books.emit("charge.dispute.updated", dispute)
    return dispute


def retrieve(books: Books, _params: Obj, ident: str) -> Obj:
    return books.get("dispute", ident)


def list_all(books: Books, params: Obj) -> Obj:
    return books.page("dispute", params, "/v1/disputes", filters=("charge", "payment_intent"))
