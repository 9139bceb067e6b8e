"""Connected accounts, and transfers of the platform's money to them."""

from tests.kit.stripe_simulator import balance
from tests.kit.stripe_simulator.books import Books, Obj, new_id
from tests.kit.stripe_simulator.errors import invalid, refused
from tests.kit.stripe_simulator.money import currency_of, shown
from tests.kit.stripe_simulator.params import choice, merged_metadata, needed_amount_minor, needed_text, text

ACCOUNT = frozenset({
    "type", "country", "email", "capabilities", "business_type", "business_profile", "metadata", "controller",
    "default_currency", "settings", "tos_acceptance",
})  # fmt: skip
TRANSFER = frozenset(
    {"amount", "currency", "description", "destination", "metadata", "source_transaction", "transfer_group"}
)
REVERSAL = frozenset({"amount", "description", "metadata"})


def create_account(books: Books, params: Obj) -> Obj:
    kind = choice(params, "type", ("standard", "express", "custom"))
    capabilities = params.get("capabilities") or {}
    account: Obj = {
        "id": new_id("acct"),
        "object": "account",
        "business_profile": params.get("business_profile") or {},
        "business_type": text(params, "business_type"),
        "capabilities": dict.fromkeys(capabilities, "active")
        if kind != "standard"
        else {"transfers": "active", "card_payments": "active"},
        "charges_enabled": True,
        "controller": params.get("controller") or {"type": "application"},
        "country": text(params, "country") or "US",
        "created": books.now,
        "default_currency": text(params, "default_currency") or "usd",
        "details_submitted": True,
        "email": text(params, "email"),
        "external_accounts": {"object": "list", "data": [], "has_more": False, "url": ""},
        "metadata": merged_metadata({}, params),
        "payouts_enabled": True,
        "requirements": {
            "currently_due": [],
            "disabled_reason": None,
            "errors": [],
            "eventually_due": [],
            "past_due": [],
        },
        "settings": params.get("settings") or {"payouts": {"schedule": {"delay_days": 2, "interval": "daily"}}},
        "type": kind or "none",
    }
    account["external_accounts"]["url"] = f"/v1/accounts/{account['id']}/external_accounts"
    return books.add(account)


def retrieve_account(books: Books, _params: Obj, ident: str) -> Obj:
    return books.get("account", ident)


def set_transfers(books: Books, ident: str, *, active: bool) -> Obj:
    """The institution lets an account receive or not any more, and says so at the endpoint for connected accounts."""
    account = books.get("account", ident)
    before = dict(account["capabilities"])
    account["capabilities"] = before | {"transfers": "active" if active else "inactive"}
    account["requirements"]["disabled_reason"] = None if active else "requirements.past_due"
    books.save(account)
    books.within(ident).emit("account.updated", account, {"capabilities": before})
    return account


def list_accounts(books: Books, params: Obj) -> Obj:
    return books.page("account", params, "/v1/accounts")


def create_transfer(books: Books, params: Obj) -> Obj:
    """
    Move money to a connected account: from what is available, or tied to the charge `source_transaction`, whose money
    may still be pending.
    """
    amount_minor, currency = needed_amount_minor(params), currency_of(params)
    needed_text(params, "destination")
    account = books.get("account", params["destination"], param="destination", status=400)
    if account["capabilities"].get("transfers") != "active":
        raise refused(
            "Your destination account needs to have at least one of the following capabilities enabled: transfers.",
            code="insufficient_capabilities_for_transfer",
        )
    source = text(params, "source_transaction")
    group = text(params, "transfer_group")
    available_on = books.now
    if source:
        charge = books.get("charge", source, param="source_transaction", status=400)
        available_on = check_source(books, charge, amount_minor, currency)
        group = group or charge["transfer_group"] or f"group_{charge['payment_intent']}"
    else:
        balance.check_available(books, amount_minor, currency)
    transfer: Obj = {
        "id": new_id("tr"),
        "object": "transfer",
        "amount": amount_minor,
        "amount_reversed": 0,
        "balance_transaction": None,
        "created": books.now,
        "currency": currency,
        "description": text(params, "description"),
        "destination": account["id"],
        "destination_payment": None,
        "livemode": False,
        "metadata": merged_metadata({}, params),
        "reversed": False,
        "source_transaction": source,
        "source_type": "card",
        "transfer_group": group,
    }
    txn = balance.post(books, "transfer", transfer["id"], -amount_minor, currency, available_on=available_on)
    transfer |= {
        "balance_transaction": txn["id"],
        "destination_payment": receive(books, transfer, available_on),
    }
    books.add(transfer)
    books.emit("transfer.created", with_reversals(books, transfer))
    return with_reversals(books, transfer)


def check_source(books: Books, charge: Obj, amount_minor: int, currency: str) -> int:
    """When the charge's money is available, Unix seconds; refuses what the charge cannot cover."""
    if charge["status"] != "succeeded":
        raise refused("source_transaction must be a successful charge.", param="source_transaction")
    txn = books.any(charge["balance_transaction"] or "")
    if txn is None:
        raise refused("This charge's balance transaction does not exist yet.", param="source_transaction")
    if charge["currency"] != currency:
        raise refused(
            f"The currency of source_transaction ({charge['currency']}) must be that of the transfer.",
            param="currency",
        )
    used_minor = sum(t["amount"] - t["amount_reversed"] for t in books.all("transfer", source_transaction=charge["id"]))
    if used_minor + amount_minor > charge["amount"]:
        raise refused(
            f"Transfers using this transaction as a source must not exceed the source amount of "
            f"{shown(charge['amount'], currency)}. (There is already {shown(used_minor, currency)} transferred.)",
            param="amount",
        )
    return int(txn["available_on"])


def receive(books: Books, transfer: Obj, available_on: int) -> str:
    """The connected account's side: a payment with its own balance transaction. Returns its id."""
    theirs = books.within(transfer["destination"])
    payment: Obj = {
        "id": new_id("py"),
        "object": "charge",
        "amount": transfer["amount"],
        "amount_captured": transfer["amount"],
        "amount_refunded": 0,
        "balance_transaction": None,
        "captured": True,
        "created": books.now,
        "currency": transfer["currency"],
        "disputed": False,
        "livemode": False,
        "metadata": {},
        "paid": True,
        "payment_intent": None,
        "payment_method": None,
        "refunded": False,
        "source_transfer": transfer["id"],
        "status": "succeeded",
        "transfer_group": transfer["transfer_group"],
    }
    txn = balance.post(
        theirs, "payment", payment["id"], transfer["amount"], transfer["currency"], available_on=available_on
    )
    payment["balance_transaction"] = txn["id"]
    theirs.add(payment)
    return str(payment["id"])


def with_reversals(books: Books, transfer: Obj) -> Obj:
    return transfer | {"reversals": list_reversals(books, {}, transfer["id"])}


def create_reversal(books: Books, params: Obj, ident: str) -> Obj:
    """
    Take money back from the connected account.

    Raises:
        StripeError: More than is left of the transfer, or than the connected account holds.
    """
    transfer = books.get("transfer", ident, param="transfer")
    left_minor = transfer["amount"] - transfer["amount_reversed"]
    amount_minor = needed_amount_minor(params) if "amount" in params else left_minor
    currency = transfer["currency"]
    if left_minor == 0 or amount_minor > left_minor:
        raise refused(
            f"Transfer reversal amount ({shown(amount_minor, currency)}) is greater than unreversed amount on transfer "
            f"({shown(left_minor, currency)}).",
            param="amount",
        )
    theirs = books.within(transfer["destination"])
    if theirs.total_net(currency) < amount_minor:
        raise refused("The connected account has insufficient funds for this reversal.", code="balance_insufficient")
    payment = books.any(transfer["destination_payment"]) or {}
    balance.post(theirs, "payment_refund", payment["id"], -amount_minor, currency)
    reversal: Obj = {
        "id": new_id("trr"),
        "object": "transfer_reversal",
        "amount": amount_minor,
        "balance_transaction": None,
        "created": books.now,
        "currency": currency,
        "destination_payment_refund": None,
        "metadata": merged_metadata({}, params),
        "source_refund": None,
        "transfer": transfer["id"],
    }
    txn = balance.post(books, "transfer_refund", reversal["id"], amount_minor, currency)
    reversal["balance_transaction"] = txn["id"]
    books.add(reversal)
    transfer["amount_reversed"] += amount_minor
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    books.save(transfer)
    books.emit("transfer.reversed", with_reversals(books, transfer))
    return reversal


def retrieve_reversal(books: Books, _params: Obj, ident: str, reversal: str) -> Obj:
    found = books.get("transfer_reversal", reversal)
    if found["transfer"] != ident:
        raise invalid(f"No such transfer_reversal: '{reversal}'", code="resource_missing")
    return found


def list_reversals(books: Books, params: Obj, ident: str) -> Obj:
    return books.page("transfer_reversal", params, f"/v1/transfers/{ident}/reversals", fixed={"transfer": ident})


def retrieve_transfer(books: Books, _params: Obj, ident: str) -> Obj:
    return with_reversals(books, books.get("transfer", ident))


def update_transfer(books: Books, params: Obj, ident: str) -> Obj:
    transfer = books.get("transfer", ident)
    transfer["metadata"] = merged_metadata(transfer["metadata"], params)
    return with_reversals(books, books.save(transfer))


def list_transfers(books: Books, params: Obj) -> Obj:
    page = books.page("transfer", params, "/v1/transfers", filters=("destination", "transfer_group"))
    return page | {"data": [with_reversals(books, transfer) for transfer in page["data"]]}
