"""
The steps of one order, from the search to the money in the provider's account, one function each.

Each step asks in the role whose work it is. Its idempotency keys follow from the journey's name and the step, and
its body from what the platform has said before, so any step may be done again after any failure: what it did once
it does not do twice. Amounts are minor units.
"""

import csv
import io
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal

import requests

from infra.demo.client import Client, Json, put_file, until
from infra.demo.people import Cast, once_ready

Method = Literal["card", "bank_transfer"]

# What was published a moment ago reaches orders by an event.
_NOT_YET_KNOWN = ("orders.offering_not_found", "orders.offering_not_for_sale", "orders.provider_not_found")


@dataclass(frozen=True)
class Journey:
    """
    One order's way.

    Attributes:
        name: Makes every idempotency key; one order each.
        began_at: Business time when it was thought of; deadlines count from it.
    """

    name: str
    cast: Cast
    began_at: datetime

    def key(self, *step: object) -> str:
        return "/".join(("journey", self.name, *map(str, step)))


# --- find and agree ------------------------------------------------------------------------------------------------


def search(base_url: str, text: str) -> list[Json]:
    """What anybody finds in the catalogue, best first."""
    found: list[Json] = Client(base_url).get("/catalogue/search", text=text, limit=20)["items"]
    return found


def place_order(journey: Journey, offering_id: str, quantity: int, samples: Sequence[Json], method: Method) -> Json:
    """The customer orders at the published price. Answers the receipt."""
    body = {
        "offerings": [{"offering_id": offering_id, "quantity": quantity}],
        "samples": list(samples),
        "payment_method": method,
    }
    client = journey.cast.customer["requester"]
    return once_ready(lambda: client.post("/orders", body, key=journey.key("place")), *_NOT_YET_KNOWN)


def request_quotation(journey: Journey, title: str, requirements: str, quantity: int, samples: Sequence[Json]) -> Json:
    """The customer asks the provider for a price, to be answered within a week."""
    body = {
        "provider_ids": [journey.cast.provider.organisation_id],
        "title": title,
        "requirements": requirements,
        "quantity": quantity,
        "samples": list(samples),
        "respond_by": (journey.began_at + timedelta(days=7)).isoformat(),
    }
    client = journey.cast.customer["requester"]
    return once_ready(lambda: client.post("/quotation-requests", body, key=journey.key("request")), *_NOT_YET_KNOWN)


def send_quotation(journey: Journey, request_id: str, lines: Sequence[Json], *, version: int, notes: str = "") -> Json:
    """The provider answers; a later version supersedes an earlier one."""
    body = {"quotation_request_id": request_id, "lines": list(lines), "turnaround_days": 7, "notes": notes}
    return journey.cast.provider["lab_manager"].post("/quotations", body, key=journey.key("quote", version))


def counter_quotation(journey: Journey, quotation_id: str, offer: str, net: int) -> Json:
    """The customer says what it would take."""
    body = {"counter_offer": offer, "counter_net": {"amount": net, "currency": "CNY"}}
    path = f"/quotations/{quotation_id}/counter"
    return journey.cast.customer["requester"].post(path, body, key=journey.key("counter", quotation_id))


def accept_quotation(journey: Journey, quotation_id: str, method: Method) -> Json:
    """The customer takes it; answers the order."""
    path = f"/quotations/{quotation_id}/accept"
    return journey.cast.customer["approver"].post(path, {"payment_method": method}, key=journey.key("accept-quotation"))


# --- contract and payment ------------------------------------------------------------------------------------------


def order_of(client: Client, order_id: str) -> Json:
    """The order as *client* sees it."""
    return client.get(f"/orders/{order_id}")


def timeline_of(client: Client, order_id: str) -> list[Json]:
    """What happened to the order, as *client* may know."""
    found: list[Json] = client.get(f"/orders/{order_id}/timeline")["items"]
    return found


def wait_for_state(client: Client, order_id: str, *states: str, timeout_s: float = 90.0) -> Json:
    """The order once it is in one of *states*."""
    return until(
        lambda: order_of(client, order_id),
        lambda order: order["state"] in states,
        f"order {' or '.join(states)}",
        timeout_s=timeout_s,
    )


def sign(journey: Journey, order_id: str, party: Literal["customer", "operator", "provider"]) -> Json:
    """One party signs its paper, by the hash of what it reads, once the papers are made. Answers the contract."""
    cast = journey.cast
    organisation, role, paper = {
        "customer": (cast.customer, "approver", "contract"),
        "operator": (cast.operator, "contract_operator", "contract"),
        "provider": (cast.provider, "lab_manager", "order_sheet"),
    }[party]
    client = organisation[role]
    order = until(
        lambda: order_of(client, order_id),
        lambda found: any(each["paper"] == paper for each in found["contract"]["documents"]),
        "the papers to sign",
    )
    (document,) = (each for each in order["contract"]["documents"] if each["paper"] == paper)
    body = {"signatory": organisation.signatory(role), "sha256": document["sha256"]}
    return client.post(f"/contracts/{order['contract']['contract_id']}/sign", body, key=journey.key("sign", party))


def sign_by_all(journey: Journey, order_id: str) -> None:
    """Customer, company, provider; with the last signature the order is contracted."""
    sign(journey, order_id, "customer")
    sign(journey, order_id, "operator")
    sign(journey, order_id, "provider")


def payment_of(journey: Journey, order_id: str) -> Json:
    """What the customer is to pay, once it is told how."""
    client = journey.cast.customer["customer_finance"]

    def payable() -> Json | None:
        found: list[Json] = client.get("/payments", order_id=order_id)["items"]
        return found[0] if found and (found[0]["client_secret"] or found[0]["reference"]) else None

    found = until(payable, lambda payment: payment is not None, "the payment")
    if found is None:
        raise AssertionError("until answers what is done")
    return found


def confirm_card(stripe_url: str, client_secret: str, payment_method: str = "pm_card_visa") -> Json:
    """What the customer's browser does: it pays at the payment institution, which then tells the platform."""
    intent = client_secret.partition("_secret_")[0]
    with requests.Session() as session:
        session.trust_env = False
        seen = session.get(
            f"{stripe_url}/v1/payment_intents/{intent}", params={"client_secret": client_secret},
            headers={"Authorization": "Bearer pk_test_browser"}, timeout=30,
        )  # fmt: skip
        seen.raise_for_status()
        found: Json = seen.json()
        if found["status"] in {"succeeded", "processing"}:
            return found
        answer = session.post(
            f"{stripe_url}/v1/payment_intents/{intent}/confirm",
            data={"client_secret": client_secret, "payment_method": payment_method},
            headers={"Authorization": "Bearer pk_test_browser"}, timeout=30,
        )  # fmt: skip
    paid: Json = answer.json()
    return paid


def pay_by_card(journey: Journey, order_id: str, stripe_url: str) -> Json:
    """The customer pays the whole by card. Answers the payment as it was before the institution reported."""
    payment = payment_of(journey, order_id)
    if payment["state"] != "succeeded":
        confirm_card(stripe_url, payment["client_secret"])
    return payment


def pay_by_transfer(journey: Journey, order_id: str) -> Json:
    """The customer's transfer stands on the bank's statement, which finance imports. Answers what was booked."""
    payment = payment_of(journey, order_id)
    order = order_of(journey.cast.operator["finance_operator"], order_id)
    line = {
        "serial_number": f"IN-{sha256(journey.name.encode()).hexdigest()[:16]}",
        "booked_at": order["contracted_at"],
        "direction": "in",
        "amount": payment["amount"]["amount"],
        "counterparty": journey.cast.customer.legal_name,
        "remittance": f"货款 {payment['reference']}",
    }
    return import_statement(journey.cast, [line], key=journey.key("statement-in"))


def import_statement(cast: Cast, lines: Iterable[Json], *, key: str) -> Json:
    """Finance reads lines of the company's own account (*amount* in fen) out of a CSV file."""
    client = cast.operator["finance_operator"]
    account = client.get("/me")["organisation"]["bank_account"]["account_number"]
    return client.post("/bank-statements", {"account": account, "csv": statement_csv(lines)}, key=key)


def statement_csv(lines: Iterable[Json]) -> str:
    """A bank's statement as billing reads it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["serial_number", "booked_at", "direction", "amount", "currency", "counterparty", "remittance"])
    for line in lines:
        yuan, fen = divmod(line["amount"], 100)
        writer.writerow(
            [line["serial_number"], line["booked_at"], line["direction"], f"{yuan}.{fen:02d}", "CNY",
             line["counterparty"], line["remittance"]]
        )  # fmt: skip
    return out.getvalue()


# --- work ----------------------------------------------------------------------------------------------------------


def dispatch(journey: Journey, order_id: str) -> Json:
    """The customer hands all samples to a carrier, once the order is released."""
    client = journey.cast.customer["requester"]
    order = wait_for_state(client, order_id, "released", "in_progress", "delivered", "accepted", "closed")
    body = {
        "order_id": order_id,
        "carrier": "顺丰速运 SF Express",
        "tracking_number": f"SF{int(sha256(journey.name.encode()).hexdigest()[:10], 16):013d}",
        "sample_ids": [sample["sample_id"] for sample in order["samples"]],
    }
    return client.post("/shipments", body, key=journey.key("dispatch"))


def receive(journey: Journey, order_id: str) -> list[Json]:
    """The technician has each sample in hand, complete and in good condition."""
    client = journey.cast.provider["technician"]
    return [
        client.post(
            f"/samples/{sample['sample_id']}/receive",
            {"condition": "good", "quantity": sample["quantity"], "storage_place": "冰箱 2 Fridge 2, A3"},
            key=journey.key("receive", sample["sample_id"]),
        )
        for sample in order_of(client, order_id)["samples"]
    ]


def analyse(journey: Journey, order_id: str, machine_minutes: int = 90) -> list[Json]:
    """The technician works on every line."""
    client = journey.cast.provider["technician"]
    done = []
    for line in order_of(client, order_id)["lines"]:
        number = line["line"]
        started = client.post(
            "/analyses", {"order_id": order_id, "line": number}, key=journey.key("start-analysis", number)
        )
        path = f"/analyses/{started['analysis_id']}/finish"
        result = {"machine_minutes": machine_minutes, "note": "as agreed"}
        done.append(client.post(path, result, key=journey.key("finish-analysis", number)))
    return done


def upload_report(journey: Journey, order_id: str, file: bytes) -> Json:
    """The provider declares a file over all lines, uploads it and issues the report. Answers the issued report."""
    client = journey.cast.provider["lab_manager"]
    lines = [line["line"] for line in order_of(client, order_id)["lines"]]
    body = {
        "order_id": order_id,
        "lines": lines,
        "title": "检测报告 Test report",
        "sha256": sha256(file).hexdigest(),
        "size_bytes": len(file),
    }
    drafted = journey.cast.provider["technician"].post("/reports", body, key=journey.key("draft-report"))
    path = f"/reports/{drafted['report_id']}"
    if client.get(path)["state"] == "draft":
        status = put_file(drafted["upload_url"], file)
        if status >= 300:
            raise RuntimeError(f"the object store answered {status} to the upload")
        client.post(f"{path}/issue", key=journey.key("issue-report"))
    return until(lambda: client.get(path), lambda report: report["state"] == "issued", "the issued report")


def check_report(base_url: str, code: str) -> Json:
    """What anybody learns who has a report's code."""
    return Client(base_url).get(f"/report-checks/{code}")


def accept_order(journey: Journey, order_id: str) -> Json:
    """The customer takes the report as the agreed performance."""
    client = journey.cast.customer["approver"]
    wait_for_state(client, order_id, "delivered", "accepted", "closed")
    return client.post(f"/orders/{order_id}/accept", key=journey.key("accept"))


# --- settle --------------------------------------------------------------------------------------------------------


def settlements_of(cast: Cast, order_id: str) -> list[Json]:
    """The statements on which the order stands: the provider's, and the station's where there is one."""
    client = cast.operator["finance_operator"]
    found: list[Json] = []
    cursor: str | None = None
    while True:
        page = client.get("/settlements", limit=200, **({"after": cursor} if cursor else {}))
        found += [each for each in page["items"] if any(line["order_id"] == order_id for line in each["orders"])]
        cursor = page["next_cursor"]
        if cursor is None:
            return sorted(found, key=lambda each: str(each["party_kind"]))


def close_settlements(journey: Journey, order_id: str, until_day: str) -> list[Json]:
    """
    Finance closes the statements of all orders accepted up to the end of *until_day* (YYYY-MM-DD, Asia/Shanghai).

    Answers those with this order on them; waits until billing knows that it is accepted.
    """
    cast = journey.cast
    parties = 1 if cast.station is None else 2

    # Closing answers what it closed just then, so each attempt is a request of its own.
    attempts = itertools.count(1)

    def attempt() -> list[Json]:
        found = settlements_of(cast, order_id)
        if len(found) < parties:
            key = journey.key("close", until_day, next(attempts))
            cast.operator["finance_operator"].post("/settlements/close", {"until": until_day}, key=key)
            found = settlements_of(cast, order_id)
        return found

    return until(attempt, lambda found: len(found) >= parties, "statements over the order")


def send_invoice(cast: Cast, settlement: Json) -> Json:
    """The party invoices exactly what its statement says."""
    if settlement["party_kind"] == "provider":
        party, role = cast.provider, "provider_finance"
        special = order_terms(cast, settlement)["provider_tax"]["can_issue_special"]
    else:
        if cast.station is None:
            raise ValueError("a station's statement in a journey without a station")
        party, role = cast.station, "station_manager"
        special = order_terms(cast, settlement)["station_tax"]["can_issue_special"]
    body = {
        "settlement_number": settlement["number"],
        "number": f"INV-{settlement['number']}",
        "kind": "special" if special else "ordinary",
        "net": settlement["net"],
        "tax": settlement["tax"],
        "issued_on": settlement["until"],
    }
    # Invoicing hears of the statement by an event; until then there is none of this number for it.
    return once_ready(
        lambda: party[role].post("/received-invoices", body, key=f"invoice/{settlement['settlement_id']}"), "not_found"
    )


def order_terms(cast: Cast, settlement: Json) -> Json:
    """What was frozen when the first order of *settlement* was contracted."""
    terms: Json = order_of(cast.operator["finance_operator"], settlement["orders"][0]["order_id"])["terms"]
    return terms


def wait_for_settlement(cast: Cast, settlement_id: str, state: str) -> Json:
    client = cast.operator["finance_operator"]
    return until(
        lambda: client.get(f"/settlements/{settlement_id}"), lambda found: found["state"] == state, f"{state} statement"
    )


def start_payout(cashier: Client, settlement: Json) -> Json:
    """One finance person starts the transfer, once the invoice has matched and the hold period is over."""
    body = {"settlement_id": settlement["settlement_id"]}
    return cashier.post("/payouts", body, key=f"payout/{settlement['settlement_id']}")


def release_payout(cashier: Client, payout: Json) -> Json:
    """Another one releases it."""
    return cashier.post(f"/payouts/{payout['payout_id']}/release", key=f"release/{payout['payout_id']}")


def import_payouts(cast: Cast, payouts: Sequence[Json], *, key: str) -> Json:
    """The bank's statement shows the outgoing transfers."""
    return import_statement(
        cast,
        [
            {
                "serial_number": f"OUT-{payout['number']}",
                "booked_at": payout["released_at"],
                "direction": "out",
                "amount": payout["amount"]["amount"],
                "counterparty": payout["account_name"],
                "remittance": payout["number"],
            }
            for payout in payouts
        ],
        key=key,
    )


def pay_out(cast: Cast, settlements: Sequence[Json], first: Client, second: Client) -> list[Json]:
    """Pay statements that are payable: started by *first*, released by *second*, shown by the bank."""
    payouts = []
    for settlement in settlements:
        wait_for_settlement(cast, settlement["settlement_id"], "payable")
        payouts.append(release_payout(second, start_payout(first, settlement)))
    import_payouts(cast, payouts, key="statement-out/" + "/".join(sorted(each["number"] for each in payouts)))
    return payouts


def invoice_of(cast: Cast, order_id: str) -> Json:
    """The customer's invoice, once it is issued."""
    client = cast.customer["customer_finance"]

    def issued() -> Json | None:
        found: list[Json] = client.get("/invoices", order_id=order_id)["items"]
        return found[0] if found and found[0]["state"] in {"issued", "delivered", "failed"} else None

    found = until(issued, lambda invoice: invoice is not None, "the customer's invoice")
    if found is None:
        raise AssertionError("until answers what is done")
    return found
