"""Requests that make no sense or come at the wrong time: a problem document, and nothing is stored."""

import base64
import http.client
import json
import select
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from infra.demo import journey as steps
from infra.demo.client import Client, Json, put_file, until
from services.shared.kernel.ids import new_id
from services.shared.kernel.times import business_date
from tests.kit.bank_statement_files import camt053, entry
from tests.kit.journey import ONE_SAMPLE, REPORT, Stage, listed, to_contracted, to_paid

MEGABYTE = 1024 * 1024


def key() -> str:
    return f"bad/{new_id()}"


def stored(stage: Stage) -> Json:
    """Everything that the operating company can list, by id and state."""
    administrator = stage.operator["administrator"]
    finance = stage.operator["finance_operator"]
    return {
        "orders": listed(administrator, "/orders", "order_id"),
        "requests": listed(administrator, "/quotation-requests", "quotation_request_id"),
        "quotations": listed(administrator, "/quotations", "quotation_id"),
        "payments": listed(finance, "/payments", "payment_id"),
        "bank lines": listed(finance, "/bank-statements", "serial_number"),
        "settlements": listed(finance, "/settlements", "settlement_id"),
        "payouts": listed(finance, "/payouts", "payout_id"),
    }


@contextmanager
def nothing_is_stored(stage: Stage) -> Iterator[None]:
    before = stored(stage)
    yield
    assert stored(stage) == before


def is_problem(answer: requests.Response, status: int, code: str) -> Json:
    """A whole problem document with this status and code; nothing of the inside shows."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    problem: Json = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code), problem
    assert problem["correlation_id"] == answer.headers["X-Correlation-Id"]
    assert problem["title"]
    assert "Traceback" not in answer.text
    return problem


@pytest.fixture(scope="module")
def placed(stage: Stage) -> str:
    """An order that is placed and not signed; nothing below moves it."""
    journey = stage.begin(stage.without_station(), "bad")
    offering_id = stage.offering(stage.provider, 100_000)
    order_id: str = steps.place_order(journey, offering_id, 1, ONE_SAMPLE, "bank_transfer")["order_id"]
    client = stage.customer["requester"]
    until(
        lambda: steps.order_of(client, order_id),
        lambda order: "awaiting_signature_customer" in order["blocked_by"],
        "papers",
    )
    return order_id


@pytest.fixture(scope="module")
def request_id(stage: Stage) -> str:
    """A quotation request that is open."""
    journey = stage.begin(stage.without_station(), "bad")
    found: str = steps.request_quotation(journey, "XRD", "", 1, ())["quotation_request_id"]
    return found


def order_body(stage: Stage, **changes: Any) -> Json:
    wanted = {"offering_id": stage.offering(stage.provider, 100_000), "quantity": 1}
    return {"offerings": [wanted], "payment_method": "card", **changes}


def quotation(request: str, unit_price: Any, **line: Any) -> Json:
    return {
        "quotation_request_id": request,
        "lines": [
            {"title_zh": "样", "title_en": "x", "unit": "sample", "quantity": 1, "unit_price": unit_price,
             "reason": "special", **line}
        ],
        "turnaround_working_days": 7,
    }  # fmt: skip


def test_unknown_field(stage: Stage) -> None:
    with nothing_is_stored(stage):
        answer = stage.customer["requester"].ask("POST", "/orders", body=order_body(stage, discount=99), key=key())
        problem = is_problem(answer, 422, "request_invalid")
        assert [each["field"] for each in problem["fields"]] == ["discount"]


@pytest.mark.parametrize(
    "path",
    ["/orders/{}/accept", "/contracts/{}/sign", "/quotations/{}/accept", "/samples/{}/receive", "/reports/{}/issue"],
)
def test_missing_id(stage: Stage, path: str) -> None:
    bodies: dict[str, Json] = {
        "/contracts/{}/sign": {"signatory": "x", "sha256": "0" * 64},
        "/quotations/{}/accept": {"payment_method": "card"},
        "/samples/{}/receive": {"condition": "good", "quantity": 1, "storage_place": "A1"},
    }
    with nothing_is_stored(stage):
        for client in (stage.customer["approver"], stage.provider["lab_manager"]):
            answer = client.ask("POST", path.format(new_id()), body=bodies.get(path), key=key())
            is_problem(answer, 404, "not_found")
        answer = stage.customer["approver"].ask("POST", path.format("7"), body=bodies.get(path), key=key())
        is_problem(answer, 422, "request_invalid")


def test_missing_offering(stage: Stage) -> None:
    body = order_body(stage, offerings=[{"offering_id": str(new_id()), "quantity": 1}])
    with nothing_is_stored(stage):
        answer = stage.customer["requester"].ask("POST", "/orders", body=body, key=key())
        is_problem(answer, 404, "orders.offering_not_found")


def test_foreign_id(stage: Stage, placed: str) -> None:
    """Another customer's order is answered as if it did not exist."""
    contract_id = steps.order_of(stage.customer["requester"], placed)["contract"]["contract_id"]
    signature = {"signatory": "x", "sha256": "0" * 64}
    with nothing_is_stored(stage):
        for rival in stage.rivals[:2]:
            for name in rival.api_keys:
                is_problem(rival[name].ask("GET", f"/orders/{placed}"), 404, "not_found")
                answer = rival[name].ask("POST", f"/contracts/{contract_id}/sign", body=signature, key=key())
                is_problem(answer, 404, "not_found")


def test_wrong_role(stage: Stage, placed: str) -> None:
    with nothing_is_stored(stage):
        answer = stage.customer["customer_finance"].ask("POST", f"/orders/{placed}/cancel", body={}, key=key())
        is_problem(answer, 403, "not_allowed")
        answer = stage.operator["catalogue_operator"].ask("GET", "/ledger/balances")
        is_problem(answer, 403, "not_allowed")


def test_wrong_state(stage: Stage, placed: str) -> None:
    with nothing_is_stored(stage):
        answer = stage.customer["approver"].ask("POST", f"/orders/{placed}/accept", key=key())
        is_problem(answer, 409, "wrong_state")
        answer = stage.provider["technician"].ask("POST", "/analyses", body={"order_id": placed, "line": 1}, key=key())
        is_problem(answer, 409, "wrong_state")


@pytest.mark.parametrize("amount", [-1, 0, 10.5, 2**63, 10**15 + 1, "100", True, None, float("nan"), float("inf")])
def test_wrong_amount(stage: Stage, request_id: str, amount: object) -> None:
    raw = json.dumps(quotation(request_id, {"amount": amount, "currency": "CNY"})).encode()
    with nothing_is_stored(stage):
        answer = stage.provider["lab_manager"].ask("POST", "/quotations", raw=raw, key=key())
        assert answer.status_code in {400, 422}
        is_problem(answer, answer.status_code, answer.json()["code"])
        assert answer.json()["code"] in {"request_invalid", "json_broken"}


@pytest.mark.parametrize("quantity", [-1, 0, 1.5, 100_001, 2**63])
def test_wrong_quantity(stage: Stage, quantity: float) -> None:
    body = order_body(stage, offerings=[{"offering_id": stage.offering(stage.provider, 100_000), "quantity": quantity}])
    with nothing_is_stored(stage):
        is_problem(stage.customer["requester"].ask("POST", "/orders", body=body, key=key()), 422, "request_invalid")


def test_wrong_currency(stage: Stage, request_id: str) -> None:
    client = stage.provider["lab_manager"]
    with nothing_is_stored(stage):
        for currency in ("XXX", "cny", "", "BTC"):
            body = quotation(request_id, {"amount": 100, "currency": currency})
            is_problem(client.ask("POST", "/quotations", body=body, key=key()), 422, "request_invalid")
        body = quotation(request_id, {"amount": 100, "currency": "CNY"})
        body["lines"].append({**body["lines"][0], "unit_price": {"amount": 100, "currency": "USD"}})
        is_problem(client.ask("POST", "/quotations", body=body, key=key()), 422, "currency_mismatch")
        listed_in_yuan = stage.offering(stage.provider, 100_000)
        body = quotation(request_id, {"amount": 100, "currency": "USD"}, offering_id=listed_in_yuan, reason="")
        is_problem(client.ask("POST", "/quotations", body=body, key=key()), 422, "orders.reason_for_price_required")


def test_counter_offer_in_another_currency(stage: Stage) -> None:
    """The figure would not be one of the quotation's; what was offered stays on the table."""
    journey = stage.begin(stage.without_station(), "counter")
    request = steps.request_quotation(journey, "XRD", "", 1, ())["quotation_request_id"]
    body = quotation(request, {"amount": 100_000, "currency": "CNY"})
    sent = stage.provider["lab_manager"].post("/quotations", body, key=key())
    client = stage.customer["approver"]
    path = f"/quotations/{sent['quotation_id']}"
    offer = {"counter_offer": "less", "counter_net": {"amount": 90_000, "currency": "USD"}}
    with nothing_is_stored(stage):
        answer = client.ask("POST", f"{path}/counter", body=offer, key=key())
        assert is_problem(answer, 422, "orders.counter_currency_differs")["facts"] == {"currency": "CNY"}
    assert client.get(path)["state"] == "sent"


@pytest.mark.parametrize(
    "row",
    [
        "1,2026-11-01T00:00:00Z,in,-5.00,CNY,x,y",
        "1,2026-11-01T00:00:00Z,in,0.00,CNY,x,y",
        "1,2026-11-01T00:00:00Z,in,1.005,CNY,x,y",
        "1,2026-11-01T00:00:00Z,in,NaN,CNY,x,y",
        "1,2026-11-01T00:00:00Z,in,9223372036854775808,CNY,x,y",
        "1,2026-11-01T00:00:00Z,in,1.00,XXX,x,y",
        "1,yesterday,in,1.00,CNY,x,y",
        "1,2026-11-01T00:00:00Z,up,1.00,CNY,x,y",
    ],
)
def test_bad_line_of_a_bank_statement(stage: Stage, row: str) -> None:
    """It refuses the whole statement, with the good line before it."""
    finance = stage.operator["finance_operator"]
    account = finance.get("/me")["organisation"]["bank_account"]["account_number"]
    header = "serial_number,booked_at,direction,amount,currency,counterparty,remittance\n"
    text = f"{header}good-1,2026-11-01T00:00:00Z,in,1.00,CNY,x,y\n{row}\n"
    with nothing_is_stored(stage):
        answer = finance.ask("POST", "/bank-statements", body={"account": account, "csv": text}, key=key())
        assert is_problem(answer, 422, "billing.bank_statement_unreadable")["facts"]["line"] == 3


@pytest.mark.parametrize(
    "entries",
    ["<Ntry/>", entry("1.005"), entry("1.00", currency="XXX"), entry("9223372036854775808"), "<Ntry>", "&laughs;"],
)
def test_bad_file_of_a_bank(stage: Stage, entries: str) -> None:
    """It is refused whole with its line, with the good entry before it."""
    finance = stage.operator["finance_operator"]
    account = finance.get("/me")["organisation"]["bank_account"]["account_number"]
    file = camt053(entry("1.00", reference="good-1"), entries, account=account)
    body = {"account": account, "content": base64.b64encode(file).decode()}
    with nothing_is_stored(stage):
        answer = finance.ask("POST", "/bank-statements/files", body=body, key=key())
        assert is_problem(answer, 422, "billing.bank_statement_unreadable")["facts"]["line"] >= 5
        outsider = stage.customer["approver"].ask("POST", "/bank-statements/files", body=body, key=key())
        assert outsider.status_code in {403, 404}


def test_file_of_a_bank_twice(stage: Stage) -> None:
    """The second time each line is recognised, whatever key the request has."""
    finance = stage.operator["finance_operator"]
    account = finance.get("/me")["organisation"]["bank_account"]["account_number"]
    today = business_date(stage.platform.now()).isoformat()
    file = camt053(entry("1.00", reference=str(new_id()), day=today), account=account)
    body = {"account": account, "content": base64.b64encode(file).decode()}
    views = [finance.post("/bank-statements/files", body, key=key()) for _ in range(2)]
    assert [(view["suspense"], view["repeated"]) for view in views] == [(1, 0), (0, 1)]


def test_expired_quotation(stage: Stage) -> None:
    journey = stage.begin(stage.without_station(), "expired")
    request = steps.request_quotation(journey, "XRD", "", 1, ())["quotation_request_id"]
    body = quotation(request, {"amount": 100_000, "currency": "CNY"})
    body["valid_until"] = (stage.platform.now() + timedelta(hours=1)).isoformat()
    sent = stage.provider["lab_manager"].post("/quotations", body, key=key())
    stage.platform.move_clock(timedelta(hours=2))
    client = stage.customer["approver"]
    path = f"/quotations/{sent['quotation_id']}"
    with_orders = listed(client, "/orders", "order_id")
    answer = client.ask("POST", f"{path}/accept", body={"payment_method": "card"}, key=key())
    # Whether the timer has said so yet or not.
    assert answer.json()["code"] in {"orders.quotation_expired", "wrong_state"}
    is_problem(answer, 409, answer.json()["code"])
    until(lambda: client.get(path), lambda found: found["state"] == "expired", "expiry by the timer")
    assert listed(client, "/orders", "order_id") == with_orders


def test_key_with_another_body(stage: Stage) -> None:
    client, own = stage.customer["requester"], key()
    first = client.post("/orders", order_body(stage), key=own)
    with nothing_is_stored(stage):
        answer = client.ask("POST", "/orders", body=order_body(stage, payment_method="bank_transfer"), key=own)
        is_problem(answer, 422, "idempotency_key_reused")
        assert client.post("/orders", order_body(stage), key=own) == first
        is_problem(client.ask("POST", "/orders", body=order_body(stage)), 400, "idempotency_key_missing")


def test_twenty_calls_with_one_key(stage: Stage) -> None:
    """One order, and everybody gets it."""
    client, own, body = stage.customer["requester"], key(), order_body(stage)
    before = listed(client, "/orders", "order_id")
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: client.post("/orders", body, key=own)["order_id"], range(20)))
    made = listed(client, "/orders", "order_id").keys() - before.keys()
    assert set(answers) == made
    assert len(made) == 1


def test_large_body(stage: Stage) -> None:
    """50 MB are refused by their announced length; where they are not announced, after the first megabyte."""
    client = stage.customer["requester"]
    with nothing_is_stored(stage):
        for declared in (True, False):
            status, problem = send_large(client, 50 * MEGABYTE, declared=declared)
            assert (status, problem["code"]) == (413, "body_too_large")
        assert client.get("/me")["organisation"]["organisation_id"] == stage.customer.organisation_id


def send_large(client: Client, size: int, *, declared: bool) -> tuple[int, Json]:
    """Send until everything is sent or an answer comes, as a client does that looks for one."""
    parts = urlsplit(client.base_url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    connection.putrequest("POST", "/v1/orders")
    connection.putheader("Authorization", f"Bearer {client.api_key}")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Idempotency-Key", key())
    if declared:
        connection.putheader("Content-Length", str(size))
    else:
        connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    block = b" " * 65_536
    try:
        # Whoever sends on after the answer gets a reset instead of it, so each block waits a moment for one.
        for _ in range(size // len(block)):
            if select.select([connection.sock], [], [], 0.05)[0]:
                break
            connection.send(block if declared else b"%x\r\n%s\r\n" % (len(block), block))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.parametrize("raw", [b"{", b"", b"[1, 2", b'{"offerings": }', b"\xff\xfe", b"null", b"[]", b'"x"', b"7"])
def test_broken_json(stage: Stage, raw: bytes) -> None:
    with nothing_is_stored(stage):
        answer = stage.customer["requester"].ask("POST", "/orders", raw=raw, key=key())
        assert answer.status_code in {400, 422}
        is_problem(answer, answer.status_code, answer.json()["code"])


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda file: file[:-1] + b"!", id="one byte differs"),
        pytest.param(lambda file: file + b" ", id="one byte more"),
        pytest.param(lambda _: None, id="nothing was uploaded"),
    ],
)
def test_report_that_is_not_what_was_declared(stage: Stage, spoil: Callable[[bytes], bytes | None]) -> None:
    """It is not issued and the order not delivered; the right file, uploaded then, is."""
    journey = stage.begin(stage.without_station(), "report")
    order_id = to_contracted(journey, stage.offering(stage.provider, 100_000), "bank_transfer")
    to_paid(stage, journey, order_id)
    steps.dispatch(journey, order_id)
    steps.receive(journey, order_id)
    steps.analyse(journey, order_id)
    body = {
        "order_id": order_id, "lines": [1], "title": "Report", "sha256": sha256(REPORT).hexdigest(),
        "size_bytes": len(REPORT),
    }  # fmt: skip
    client = stage.provider["lab_manager"]
    drafted = client.post("/reports", body, key=key())
    file = spoil(REPORT)
    if file is not None:
        assert put_file(drafted["upload_url"], file) == 200
    path = f"/reports/{drafted['report_id']}"
    answer = client.ask("POST", f"{path}/issue", key=key())
    is_problem(answer, 422, "upload_missing" if file is None else "upload_mismatch")
    report = client.get(path)
    assert (report["state"], report["issued_at"]) == ("draft", None)
    assert steps.order_of(client, order_id)["state"] == "in_progress"
    checked = Client(stage.platform.base_url).ask("GET", f"/report-checks/{drafted['check_code']}")
    assert checked.status_code == 404
    assert put_file(client.get(path)["upload_url"], REPORT) == 200
    client.post(f"{path}/issue", key=key())
    until(lambda: client.get(path), lambda found: found["state"] == "issued", "the issued report")
    assert steps.order_of(client, order_id)["state"] == "delivered"
