"""
What the demonstration proves of itself at its end, and the tests of the whole platform after each of theirs.

Each function answers sentences about what is wrong; none: all is well.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import requests

from infra.demo import figures
from infra.demo.client import Client, Json, sign_in
from infra.demo.figures import Figures, figures_of
from infra.demo.journey import order_of
from infra.demo.people import Cast, Login, Organisation
from infra.demo.platform import CommandFailed, Platform
from infra.demo.settlement import settlements_of

HTTP_OK = 200
SERVICES = ("catalog", "orders", "billing", "invoicing", "notify")


def settled(check: Callable[[], list[str]], timeout_s: float = 60.0) -> list[str]:
    """What *check* still finds wrong when it has had *timeout_s* to come right by itself."""
    deadline = time.monotonic() + timeout_s
    while True:
        wrong = check()
        if not wrong or time.monotonic() > deadline:
            return wrong
        time.sleep(0.5)


def nothing_waits(platform: Platform, operator: Organisation) -> list[str]:
    """No message at the broker, no event unhandled or parked at a service, no dead letter."""
    wrong = [f"{count} messages wait in {queue}" for queue, count in platform.queued_messages().items()]
    administrator = operator["administrator"]
    for service in SERVICES:
        inbox = administrator.get("/operations/inbox", service=service)
        wrong += [f"{service}: {inbox['ready']} events not handled"] if inbox["ready"] else []
        wrong += [f"{service}: {each['status']} {each['type']}: {each['reason'][-300:]}" for each in inbox["items"]]
        letters = administrator.get("/operations/dead-letters", service=service)["items"]
        wrong += [f"{service}: dead letter {each['routing_key']}: {each['reason']}" for each in letters]
    return wrong


def ledger_of_the_api(finance: Client) -> dict[str, int]:
    """Debit less credit by account and currency."""
    page = finance.get("/ledger/balances")
    return {
        f"{each['account']} {each['currency']}": each["debit"] - each["credit"]
        for each in page["items"]
        if each["debit"] != each["credit"]
    }


def ledger_of_the_feed(finance: Client) -> dict[str, int]:
    """The same, rebuilt by a stranger who has nothing but the feed."""
    sums: dict[str, int] = {}
    for event in feed(finance, "ledger.posted.v1"):
        for entry in event["data"]["transaction"]["entries"]:
            amount = entry["amount"] if entry["side"] == "D" else -entry["amount"]
            account = f"{entry['account']} {entry['currency']}"
            sums[account] = sums.get(account, 0) + amount
    return {account: amount for account, amount in sums.items() if amount}


def feed(client: Client, types: str = "") -> Iterable[Json]:
    """Every event of the own view, oldest first."""
    after = 0
    while True:
        page = client.get("/events", after=after, limit=500, types=types)
        for entry in page["items"]:
            after = entry["sequence"]
            yield entry["event"]
        if not page["items"]:
            return


def books_hold(operator: Organisation) -> list[str]:
    """The ledger sums to zero per currency, its invariants hold, and the feed rebuilds its balances."""
    finance = operator["finance_operator"]
    ledger = ledger_of_the_api(finance)
    sums: dict[str, int] = {}
    for account, amount in ledger.items():
        currency = account.rpartition(" ")[2]
        sums[currency] = sums.get(currency, 0) + amount
    wrong = [f"the ledger sums to {amount} {currency}" for currency, amount in sums.items() if amount]
    rebuilt = ledger_of_the_feed(finance)
    wrong += [
        f"{account}: ledger {ledger.get(account, 0)}, feed {rebuilt.get(account, 0)}"
        for account in sorted(ledger.keys() | rebuilt.keys())
        if ledger.get(account, 0) != rebuilt.get(account, 0)
    ]
    checked = finance.post("/ledger/invariants", key=f"invariants/{time.time_ns()}")
    return wrong + [str(violation) for violation in checked["violations"]]


def figures_hold(cast: Cast, order_id: str, expected: Figures) -> list[str]:
    """The order's figures are the expected ones to the fen, and the identity of the split holds."""
    order = order_of(cast.operator["finance_operator"], order_id)
    found = figures_of(cast, order, settlements_of(cast, order_id))
    wrong = [f"{order['number']}: {difference}" for difference in found.differences(expected)]
    if not found.identity_holds():
        wrong.append(f"{order['number']}: parts do not sum to what the customer pays: {found}")
    return wrong


def contract_is_empty(cast: Cast, order_id: str) -> list[str]:
    """Nothing of what the customer paid is still held for the order."""
    left = figures.balances_of_order(cast.operator["finance_operator"], order_id).get(f"L:contract:{order_id}", 0)
    return [f"the order's contract liability is {left}"] if left else []


def chains_hold(platform: Platform) -> list[str]:
    """The hash chain of every event log."""
    try:
        platform.verify_chains()
    except CommandFailed as error:
        return [str(error)]
    return []


def invoice_obeys_the_rules(file: Path) -> list[str]:
    """The XML invoice against the official EN 16931 rules, checked once more outside the platform."""
    from services.invoicing.adapters.einvoice_rules import validate

    return [
        f"{file.name}: {found.rule}: {found.text}" for found in validate(file.read_bytes()) if found.severity == "fatal"
    ]


def portal_opens(login: Login, base_url: str, order: tuple[str, str]) -> list[str]:
    """A person signs in and sees their order (id and number); the pages about the API are there."""
    session = sign_in(base_url, login.mail, login.password).session
    order_id, number = order
    wrong = []
    with requests.Session() as browser:
        browser.trust_env = False
        if session is not None:
            browser.cookies.set("yiqi_session", session.cookie)
        for path, words in ((f"/orders/{order_id}", number), ("/docs", "quotation")):
            page = browser.get(f"{base_url}{path}", timeout=30)
            if page.status_code != HTTP_OK or words not in page.text:
                wrong.append(f"{path} answers {page.status_code} and does not show {words}")
    return wrong


def webhooks_came(client: Client, received: Iterable[str], order_ids: Iterable[str]) -> list[str]:
    """Every event of the own view about one of *order_ids* has come as a signed webhook, under the same id."""
    wanted = {event["id"] for event in feed(client) if event["data"].get("order_id") in set(order_ids)}
    missing = wanted.difference(received)
    if not wanted:
        return ["there are no events of these orders in the customer's view"]
    return [f"{len(missing)} of {len(wanted)} events did not come as webhooks"] if missing else []
