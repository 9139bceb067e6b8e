"""
The steps of one order from the search to its acceptance, one function each; `settlement.py` goes on to the payout.

Each step asks in the role whose work it is. Its idempotency keys follow from the journey's name and the step, and
its body from what the platform has said before, so any step may be done again after any failure: what it did once
it does not do twice. Amounts are minor units.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal

import requests

from infra.demo.bank import import_statement
from infra.demo.client import Client, Json, put_file, until
from infra.demo.people import Cast, once_ready

Method = Literal["card", "bank_transfer", "credit"]

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
    body = {
        "quotation_request_id": request_id, "lines": list(lines), "turnaround_working_days": 7, "notes": notes,
    }  # fmt: skip
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


def wait_for_state(client: Client, order_id: str, *states: str, timeout_s: float | None = None) -> Json:
    """The order once it is in one of *states*."""
    return until(
        lambda: order_of(client, order_id),
        lambda order: order["state"] in states,
        f"order {' or '.join(states)}",
        timeout_s=timeout_s or client.patience_s,
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
        timeout_s=client.patience_s,
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

    found = until(payable, lambda payment: payment is not None, "the payment", timeout_s=client.patience_s)
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


# --- work ----------------------------------------------------------------------------------------------------------


def dispatch(journey: Journey, order_id: str) -> Json:
    """The customer hands all samples to a carrier, once the order is released and its packing sheet is there."""
    client = journey.cast.customer["requester"]
    order = wait_for_state(client, order_id, "released", "in_progress", "delivered", "accepted", "closed")
    until(
        lambda: client.get(f"/orders/{order_id}/documents/packing-sheet"),
        lambda link: bool(link["url"]),
        "the packing sheet",
        timeout_s=client.patience_s,
        missing_ok=True,
    )
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
    return until(
        lambda: client.get(path),
        lambda report: report["state"] == "issued",
        "the issued report",
        timeout_s=client.patience_s,
    )


def check_report(base_url: str, code: str) -> Json:
    """What anybody learns who has a report's code."""
    return Client(base_url).get(f"/report-checks/{code}")


def accept_order(journey: Journey, order_id: str) -> Json:
    """The customer takes the report as the agreed performance."""
    client = journey.cast.customer["approver"]
    wait_for_state(client, order_id, "delivered", "accepted", "closed")
    return client.post(f"/orders/{order_id}/accept", key=journey.key("accept"))
