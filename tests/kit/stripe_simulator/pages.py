"""The two pages that a customer's browser sees: the hosted checkout and the bank's authentication."""

import html
import secrets
from dataclasses import dataclass

from tests.kit.stripe_simulator import checkout, payment_intents
from tests.kit.stripe_simulator.api import App
from tests.kit.stripe_simulator.books import Books, Obj
from tests.kit.stripe_simulator.errors import StripeError, missing
from tests.kit.stripe_simulator.money import shown

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font-family: system-ui, sans-serif; max-width: 26rem; margin: 3rem auto; padding: 0 1rem; color: #1a1f36; }}
table {{ width: 100%; border-collapse: collapse; }} td {{ padding: .4rem 0; }} td:last-child {{ text-align: right; }}
button, select {{ font: inherit; width: 100%; padding: .7rem; margin-top: .7rem; }}
button {{ background: #0a5; color: #fff; border: 0; border-radius: .4rem; }} .no {{ background: #667; }}
[role=alert] {{ background: #fee; border: 1px solid #c33; padding: .7rem; }} small {{ color: #556; }}
</style>
</head>
<body><main>
<h1>{title}</h1>
{body}
<p><small>Stand-in for Stripe: no real money moves here.</small></p>
</main></body></html>
"""
CARDS = {
    "pm_card_visa": "4242: pays",
    "pm_card_chargeDeclined": "0002: declined",
    "pm_card_authenticationRequired": "3184: asks the bank first",
    "pm_card_createDispute": "0259: pays, is disputed later",
}


@dataclass(frozen=True)
class Page:
    """`location` is set where the browser is sent on (303)."""

    status: int
    text: str = ""
    location: str = ""


def answer(app: App, method: str, path: str, form: Obj) -> Page | None:
    """The page at *path*, or None where there is none."""
    name, _, ident = path.strip("/").partition("/")
    try:
        if name == "pay":
            return pay(app, ident, form) if method == "POST" else show_checkout(app, ident, "")
        if name == "authenticate":
            return authenticate(app, method, ident, form)
    except StripeError as error:
        return Page(
            error.status,
            PAGE.format(title="This cannot be done", body=f"<p role=alert>{html.escape(error.message)}</p>"),
        )
    return None


def show_checkout(app: App, ident: str, alert: str) -> Page:
    with app.store.books() as books:
        checkout.settle_due(books)
        session = books.get("checkout.session", ident)
    checkout.check_open(session)
    rows = "".join(
        f"<tr><td>{html.escape(line['name'])} × {line['quantity']}"
        f"<td>{shown(line['unit_amount'] * line['quantity'], session['currency'])}</tr>"
        for line in session["_lines"]
    )
    options = "".join(f'<option value="{token}">{words}</option>' for token, words in CARDS.items())
    body = (
        (f"<p role=alert>{html.escape(alert)}</p>" if alert else "")
        + f"<table>{rows}</table><form method=post><label>Card <select name=payment_method>{options}</select></label>"
        + f"<button>Pay {shown(session['amount_total'], session['currency'])}</button></form>"
    )
    if session["cancel_url"]:
        body += f'<p><a href="{html.escape(session["cancel_url"])}">Back without paying</a></p>'
    return Page(402 if alert else 200, PAGE.format(title="Checkout", body=body))


def pay(app: App, ident: str, form: Obj) -> Page:
    try:
        with app.store.books() as books:
            session = checkout.pay(books, ident, str(form.get("payment_method", "pm_card_visa")))
            intent = books.get("payment_intent", session["payment_intent"])
    except StripeError as error:
        if error.error_type != "card_error":
            raise
        return show_checkout(app, ident, error.message)
    if intent["status"] == "requires_action":
        return Page(303, location=f"/authenticate/{intent['id']}?client_secret={intent['client_secret']}")
    return Page(303, location=success_url(session))


def success_url(session: Obj) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def authenticate(app: App, method: str, ident: str, form: Obj) -> Page:
    with app.store.books() as books:
        intent = books.get("payment_intent", ident)
        given = str(form.get("client_secret", ""))
        if not secrets.compare_digest(given.encode(), intent["client_secret"].encode()):
            raise missing("payment_intent", ident)
        if method == "POST":
            passed = form.get("outcome") == "complete"
            checkout.complete(books, payment_intents.authenticate(books, intent, passed=passed))
            return Page(303, location=way_back(books, intent))
    body = (
        f"<p>Your bank asks you to confirm {shown(intent['amount'], intent['currency'])}.</p><form method=post>"
        f'<input type=hidden name=client_secret value="{html.escape(given)}">'
        "<button name=outcome value=complete>Complete</button>"
        "<button class=no name=outcome value=fail>Fail</button></form>"
    )
    return Page(200, PAGE.format(title="Authentication", body=body))


def way_back(books: Books, intent: Obj) -> str:
    """Where the browser goes after the bank: the success page, the checkout once more, or the shop's return address."""
    for session in books.all("checkout.session", payment_intent=intent["id"]):
        return success_url(session) if session["status"] == "complete" else f"/pay/{session['id']}"
    back = intent.get("_return_url")
    if not back:
        return "/done"
    status = "succeeded" if intent["status"] == "succeeded" else "failed"
    sign = "&" if "?" in back else "?"
    secret = intent["client_secret"]
    return f"{back}{sign}payment_intent={intent['id']}&payment_intent_client_secret={secret}&redirect_status={status}"
