"""Payouts: from an account's balance to its bank."""

from tests.kit.stripe_simulator import balance
from tests.kit.stripe_simulator.books import Books, Obj, new_id
from tests.kit.stripe_simulator.errors import invalid, refused
from tests.kit.stripe_simulator.money import WHOLE_UNIT_PAYOUTS, currency_of
from tests.kit.stripe_simulator.params import choice, merged_metadata, needed_amount_minor, text

CREATE = frozenset({"amount", "currency", "description", "metadata", "method", "statement_descriptor"})
ARRIVAL_S = 86_400


def create(books: Books, params: Obj) -> Obj:
    amount_minor, currency = needed_amount_minor(params), currency_of(params)
    if currency in WHOLE_UNIT_PAYOUTS and amount_minor % 100:
        raise invalid(f"Payouts in {currency} must be in whole units.", param="amount")
    choice(params, "method", ("standard", "instant"))
    balance.check_available(books, amount_minor, currency)
    return pay_out(
        books,
        amount_minor,
        currency,
        automatic=False,
        description=text(params, "description"),
        metadata=merged_metadata({}, params),
        statement_descriptor=text(params, "statement_descriptor"),
    )


def pay_out(books: Books, amount_minor: int, currency: str, *, automatic: bool, **members: object) -> Obj:
    payout: Obj = {
        "id": new_id("po"),
        "object": "payout",
        "amount": amount_minor,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": books.now + ARRIVAL_S,
        "automatic": automatic,
        "balance_transaction": None,
        "created": books.now,
        "currency": currency,
        "description": None,
        "destination": "ba_stand_in",
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "reconciliation_status": "completed" if automatic else "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "pending",
        "trace_id": None,
        "type": "bank_account",
    }
    payout |= members
    txn = balance.post(books, "payout", payout["id"], -amount_minor, currency)
    if automatic:
        txn["_payout"] = payout["id"]
        books.save(txn)
    payout["balance_transaction"] = txn["id"]
    books.add(payout)
    books.emit("payout.created", payout)
    return payout


def pay_out_automatically(books: Books, currency: str) -> Obj:
    """
    Stripe's own schedule: pay out everything available and remember which transactions it was made of.

    What is available may be below zero, after refunds: then it is taken from the bank, by a payout below zero.

    Raises:
        StripeError: Nothing is available.
    """
    swept = [
        t for t in books.all("balance_transaction", currency=currency, _payout="") if t["available_on"] <= books.now
    ]
    amount_minor = sum(txn["net"] for txn in swept)
    if amount_minor == 0:
        raise refused(f"There is nothing available to pay out in {currency}.", code="balance_insufficient")
    payout = pay_out(books, amount_minor, currency, automatic=True, description="STRIPE PAYOUT")
    for txn in swept:
        books.save(txn | {"_payout": payout["id"]})
    return payout


def settle(books: Books, ident: str, status: str) -> Obj:
    """
    The bank has answered: `in_transit`, `paid`, or `failed`, which may also come after `paid`.

    Raises:
        StripeError: It has failed before, or the status is none of these.
    """
    payout = books.get("payout", ident)
    allowed = {
        "pending": ("in_transit", "paid", "failed"),
        "in_transit": ("paid", "failed"),
        "paid": ("failed",),
    }
    if status not in allowed.get(payout["status"], ()):
        raise refused(f"A {payout['status']} payout cannot become {status}.")
    previous = {"status": payout["status"]}
    payout["status"] = status
    if status == "paid":
        payout["trace_id"] = {"status": "supported", "value": f"TRACE{payout['id'][-12:]}"}
    if status == "failed":
        txn = balance.post(books, "payout_failure", payout["id"], payout["amount"], payout["currency"])
        payout |= {
            "failure_balance_transaction": txn["id"],
            "failure_code": "account_closed",
            "failure_message": "The bank account has been closed.",
        }
    books.save(payout)
    books.emit("payout.updated" if status == "in_transit" else f"payout.{status}", payout, previous)
    return payout


def settle_due(books: Books) -> None:
    for payout in books.all("payout"):
        if payout["status"] in {"pending", "in_transit"} and payout["arrival_date"] <= books.now:
            settle(books, payout["id"], "paid")


def retrieve(books: Books, _params: Obj, ident: str) -> Obj:
    return books.get("payout", ident)


def list_all(books: Books, params: Obj) -> Obj:
    return books.page("payout", params, "/v1/payouts", filters=("status",))
