"""
The control interface, `POST /_control/...` with JSON: what no customer of Stripe can do and every test needs.

`tests/kit/stripe_control.py` is its client and says what each call takes.
"""

import json
import time
from collections.abc import Callable

from tests.kit.stripe_simulator import (
    charges,
    checkout,
    connect,
    disputes,
    faults,
    payment_intents,
    payouts,
    refunds,
    webhooks,
)
from tests.kit.stripe_simulator.api import App
from tests.kit.stripe_simulator.books import Books, Obj
from tests.kit.stripe_simulator.errors import StripeError, missing

SETTINGS = ("late_balance_transaction", "search_lag_s")


class BadControl(ValueError):
    """The control call is malformed; the test that made it has an error."""


def answer(app: App, path: str, body: Obj) -> tuple[int, Obj]:
    act = ACTIONS.get(path)
    if act is None:
        return 404, {"error": f"no control {path}; there are {', '.join(sorted(ACTIONS))}"}
    try:
        return 200, act(app, body)
    except StripeError as error:
        return error.status, error.body()
    except KeyError as error:
        return 400, {"error": f"missing: {error.args[0]}"}
    except BadControl as error:
        return 400, {"error": str(error)}


def script_fault(app: App, body: Obj) -> Obj:
    if body["kind"] not in faults.KINDS:
        raise BadControl(f"kind is one of {', '.join(faults.KINDS)}")
    app.store.write(
        "INSERT INTO fault(method, path, kind, remaining, delay_s, hold_s) VALUES (?, ?, ?, ?, ?, ?)",
        (
            body.get("method", "*"),
            body.get("path", "*"),
            body["kind"],
            body.get("count", 1),
            body.get("delay_s", 0),
            body.get("hold_s", 0),
        ),
    )
    return {}


def clear_faults(app: App, _body: Obj) -> Obj:
    app.store.write("DELETE FROM fault")
    return {}


def script_webhooks(app: App, body: Obj) -> Obj:
    if body["action"] not in webhooks.ACTIONS:
        raise BadControl(f"action is one of {', '.join(webhooks.ACTIONS)}")
    app.store.write(
        "INSERT INTO webhook_script(type, action, remaining, value) VALUES (?, ?, ?, ?)",
        (body.get("type", "*"), body["action"], body.get("count", 1), body.get("value", 0)),
    )
    return {}


def clear_webhooks(app: App, _body: Obj) -> Obj:
    app.store.write("DELETE FROM webhook_script")
    return {}


def release_webhooks(app: App, body: Obj) -> Obj:
    with app.store.books() as books:
        return {"released": webhooks.release(books, reverse=bool(body.get("reverse", True)))}


def resend_webhook(app: App, body: Obj) -> Obj:
    with app.store.books(account=body.get("account", "")) as books:
        return {"queued": webhooks.send_again(books, body["event"])}


def confirm(app: App, body: Obj) -> Obj:
    """As the customer's browser would: a declined card is an answer here, with the intent as it then stands."""
    with app.store.books() as books:
        intent = by_secret(books, body["client_secret"])
        if intent["status"] not in payment_intents.OPEN:
            raise payment_intents.unexpected_state(intent, "confirm")
        try:
            payment_intents.confirm_now(books, intent, {"payment_method": body["payment_method"]})
        except StripeError as error:
            if not error.keeps_effect:
                raise
        return books.public(books.get("payment_intent", intent["id"]))


def by_secret(books: Books, client_secret: str) -> Obj:
    intent = books.any(client_secret.partition("_secret_")[0])
    if intent is None or intent.get("client_secret") != client_secret:
        raise missing("payment_intent", client_secret, param="client_secret")
    return intent


def authenticate(app: App, body: Obj) -> Obj:
    with app.store.books() as books:
        intent = books.get("payment_intent", body["payment_intent"])
        payment_intents.authenticate(books, intent, passed=bool(body.get("passed", True)))
        checkout.complete(books, intent)
        return books.public(intent)


def pay_checkout(app: App, body: Obj) -> Obj:
    with app.store.books() as books:
        return books.public(checkout.pay(books, body["session"], body.get("payment_method", "pm_card_visa")))


def open_dispute(app: App, body: Obj) -> Obj:
    with app.store.books() as books:
        charge = books.get("charge", body["charge"], param="charge")
        opened = disputes.open_dispute(
            books, charge, amount_minor=body.get("amount"), reason=body.get("reason", "fraudulent")
        )
        return books.public(opened)


def close_dispute(app: App, body: Obj) -> Obj:
    if body["outcome"] not in {"won", "lost"}:
        raise BadControl("outcome is won or lost")
    with app.store.books() as books:
        return books.public(disputes.decide(books, body["dispute"], won=body["outcome"] == "won"))


def change_fee(app: App, body: Obj) -> Obj:
    """The fee of a movement is another one afterwards."""
    with app.store.books() as books:
        booked = books.get("balance_transaction", body["id"])
        booked["fee"], booked["net"] = body["fee"], booked["amount"] - body["fee"]
        books.save(booked)
        return books.public(booked)


def settle_refund(app: App, body: Obj) -> Obj:
    with app.store.books() as books:
        return books.public(refunds.settle(books, body["refund"], body["status"]))


def settle_payout(app: App, body: Obj) -> Obj:
    with app.store.books(account=body.get("account", "")) as books:
        return books.public(payouts.settle(books, body["payout"], body["status"]))


def pay_out_automatically(app: App, body: Obj) -> Obj:
    with app.store.books(account=body.get("account", "")) as books:
        return books.public(payouts.pay_out_automatically(books, body["currency"]))


def set_transfers(app: App, body: Obj) -> Obj:
    with app.store.books() as books:
        return books.public(connect.set_transfers(books, body["account"], active=bool(body["active"])))


def settle_charges(app: App, _body: Obj) -> Obj:
    with app.store.books() as books:
        return {"settled": charges.settle_late(books)}


def advance_clock(app: App, body: Obj) -> Obj:
    """Move the clock on; what is due by then happens, idempotency keys older than 24 hours are forgotten."""
    seconds = float(body["seconds"])
    if seconds < 0:
        raise BadControl("the clock goes forward only")
    with app.store.books() as books:
        books.set("clock_offset_s", books.setting("clock_offset_s") + seconds)
    with app.store.books() as books:
        charges.settle_late(books)
        refunds.settle_due(books)
        checkout.settle_due(books)
        for account in ("", *(found["id"] for found in books.all("account"))):
            payouts.settle_due(books.within(account))
        return {"now": books.now}


def change_settings(app: App, body: Obj) -> Obj:
    with app.store.books() as books:
        for name, value in body.items():
            if name not in SETTINGS:
                raise BadControl(f"settings are {', '.join(SETTINGS)}")
            books.set(name, float(value))
    return {}


def reset(app: App, _body: Obj) -> Obj:
    app.store.reset()
    return {}


def state(app: App, _body: Obj) -> Obj:
    """Counts for a test's oracle: objects by type and by type and status, deliveries by state, scripts left over."""
    store = app.store
    with store.lock, store.books() as books:
        now = books.now
        kinds = dict(store.read("SELECT kind, count(*) FROM object GROUP BY kind"))
        statuses: Obj = {}
        for kind, status, count in store.read(
            "SELECT kind, json_extract(body, '$.status') AS status, count(*) FROM object"
            " WHERE json_extract(body, '$.status') NOTNULL GROUP BY 1, 2"
        ):
            if kind != "balance_transaction":  # theirs follows from the clock and is worked out when read
                statuses.setdefault(kind, {})[status] = count
        return {
            "now": now,
            "objects": kinds,
            "statuses": statuses,
            "events": dict(
                store.read("SELECT json_extract(body, '$.type'), count(*) FROM object WHERE kind = 'event' GROUP BY 1")
            ),
            "deliveries": dict(store.read("SELECT status, count(*) FROM delivery GROUP BY status")),
            "deliveries_due_s": min(
                (due - time.time() for (due,) in store.read("SELECT due_at FROM delivery WHERE status = 'waiting'")),
                default=None,
            ),
            "idempotency_keys": store.read("SELECT count(*) FROM answer")[0][0],
            "faults_left": store.read("SELECT coalesce(sum(remaining), 0) FROM fault")[0][0],
            "webhook_scripts_left": store.read("SELECT coalesce(sum(remaining), 0) FROM webhook_script")[0][0],
        }


def objects(app: App, body: Obj) -> Obj:
    """Every object of a type as Stripe would show it, oldest first, of all accounts."""
    with app.store.books() as books:
        rows = app.store.read("SELECT body FROM object WHERE kind = ? ORDER BY seq", (body["type"],))
        found = [books.public(json.loads(text)) for (text,) in rows]
        if body["type"] == "transfer":
            found = [connect.with_reversals(books, transfer) for transfer in found]
        return {"data": found}


ACTIONS: dict[str, Callable[[App, Obj], Obj]] = {
    "faults": script_fault,
    "faults/clear": clear_faults,
    "webhooks/script": script_webhooks,
    "webhooks/clear": clear_webhooks,
    "webhooks/release": release_webhooks,
    "webhooks/resend": resend_webhook,
    "payment_intents/confirm": confirm,
    "payment_intents/authenticate": authenticate,
    "checkout/pay": pay_checkout,
    "disputes/open": open_dispute,
    "disputes/close": close_dispute,
    "balance_transactions/fee": change_fee,
    "refunds/settle": settle_refund,
    "payouts/settle": settle_payout,
    "payouts/automatic": pay_out_automatically,
    "accounts/transfers": set_transfers,
    "charges/settle": settle_charges,
    "clock/advance": advance_clock,
    "settings": change_settings,
    "reset": reset,
    "state": state,
    "objects": objects,
}
