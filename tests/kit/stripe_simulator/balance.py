"""Balance transactions: every movement of an account's money, and what may be spent of it."""

from tests.kit.stripe_simulator.books import Books, Obj, new_id
from tests.kit.stripe_simulator.errors import refused
from tests.kit.stripe_simulator.money import shown
from tests.kit.stripe_simulator.params import text


def post(
    books: Books,
    kind: str,
    source: str,
    amount_minor: int,
    currency: str,
    *,
    fees: list[Obj] | None = None,
    available_on: int | None = None,
    category: str | None = None,
    description: str | None = None,
) -> Obj:
    """Write one balance transaction; *amount_minor* is negative for money that leaves, fees are taken off beside it."""
    details = fees or []
    fee_minor = sum(line["amount"] for line in details)
    return books.add(
        {
            "id": new_id("txn"),
            "object": "balance_transaction",
            "amount": amount_minor,
            "available_on": books.now if available_on is None else available_on,
            "balance_type": "payments",
            "created": books.now,
            "currency": currency,
            "description": description,
            "exchange_rate": None,
            "fee": fee_minor,
            "fee_details": details,
            "net": amount_minor - fee_minor,
            "reporting_category": category or kind,
            "source": source,
            "status": "pending",
            "type": kind,
            "_payout": "",
        }
    )


def available_minor(books: Books, currency: str) -> int:
    """What transfers and payouts may spend now, in minor units of *currency*."""
    return books.total_net(currency, books.now)


def check_available(books: Books, amount_minor: int, currency: str) -> None:
    """
    Raises:
        StripeError: `balance_insufficient`.
    """
    have_minor = available_minor(books, currency)
    if have_minor < amount_minor:
        raise refused(
            "You have insufficient available funds in your Stripe account. "
            f"{shown(amount_minor, currency)} is asked and {have_minor} minor units are available.",
            code="balance_insufficient",
        )


def read_balance(books: Books, _params: Obj) -> Obj:
    available: dict[str, int] = {"cny": 0}
    pending: dict[str, int] = {"cny": 0}
    for txn in books.all("balance_transaction"):
        currency = txn["currency"]
        here = available if txn["available_on"] <= books.now else pending
        available.setdefault(currency, 0)
        pending.setdefault(currency, 0)
        here[currency] += txn["net"]

    def lines(sums: dict[str, int]) -> list[Obj]:
        return [
            {"amount": amount, "currency": code, "source_types": {"card": amount}}
            for code, amount in sorted(sums.items())
        ]

    return {"object": "balance", "available": lines(available), "livemode": False, "pending": lines(pending)}


def read_transaction(books: Books, _params: Obj, ident: str) -> Obj:
    return books.get("balance_transaction", ident)


def list_transactions(books: Books, params: Obj) -> Obj:
    """Filters: `type`, `currency`, `source`, `created`, and `payout` for those that an automatic payout paid out."""
    payout = text(params, "payout")
    fixed = {}
    if payout:
        if not books.get("payout", payout, param="payout", status=400)["automatic"]:
            raise refused(
                "Balance transaction history can only be filtered on automatic transfers, not manual.",
                param="payout",
            )
        fixed = {"_payout": payout}
    return books.page(
        "balance_transaction",
        params,
        "/v1/balance_transactions",
        filters=("type", "currency", "source"),
        fixed=fixed,
    )
