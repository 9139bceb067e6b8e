"""Every bad input has its problem document, and reaches no service."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from infra.local.state import ROOT
from services.shared.kernel.ids import derived_id, new_id
from tests.unit.gateway.asgi import Site
from tests.unit.gateway.conftest import CUSTOMER_KEY, OPERATOR_KEY, PROVIDER_KEY

OFFERING_ID = derived_id("offering", 1)
ORDER = {"offerings": [{"offering_id": str(OFFERING_ID), "quantity": 1}], "payment_method": "card"}
MEMBERS = {"type", "title", "status", "detail", "code", "fields", "facts", "correlation_id"}


def a_quotation(amount: Any = 100, currency: Any = "CNY", raw: str | None = None) -> bytes:
    line = {
        "title_zh": "拉伸", "title_en": "Tensile", "unit": "sample", "quantity": 1, "reason": "r",
        "unit_price": {"amount": "AMOUNT" if raw is not None else amount, "currency": currency},
    }  # fmt: skip
    body = {"quotation_request_id": str(new_id()), "lines": [line], "turnaround_working_days": 5}
    return json.dumps(body).replace('"AMOUNT"', raw or "").encode()


@pytest.mark.parametrize(
    "raw",
    ["1.5", "1.0", "NaN", "Infinity", "1e400", '"5"', str(2**63), "9" * 5000, "-1", "0", "null", "true", "[]", "{}"],
)
def test_an_amount_that_is_no_positive_integer_is_refused(site: Site, raw: str) -> None:
    """Floats, text, huge, negative and zero amounts never leave the gateway."""
    answer = site.post("/v1/quotations", a_quotation(raw=raw), api_key=PROVIDER_KEY)
    assert answer.status in {400, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json) == MEMBERS
    assert site.rpc.asked == []


@pytest.mark.parametrize("currency", ["XXX", "cny", "", 5, None])
def test_a_currency_that_is_not_accepted_is_refused(site: Site, currency: Any) -> None:
    """There is no default currency and no unknown one."""
    answer = site.post("/v1/quotations", a_quotation(currency=currency), api_key=PROVIDER_KEY)
    assert answer.status == 422
    assert answer.json["fields"][0]["field"].startswith("lines.0.unit_price")
    assert site.rpc.asked == []


def test_money_knows_no_other_fields(site: Site) -> None:
    """A misspelt field inside an amount is refused like any other."""
    body = json.loads(a_quotation())
    body["lines"][0]["unit_price"]["cents"] = 5
    answer = site.post("/v1/quotations", body, api_key=PROVIDER_KEY)
    assert (answer.status, answer.json["code"]) == (422, "request_invalid")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "json_broken"),
        (b"", 400, "json_broken"),
        (b"\xff\xfe", 400, "json_broken"),
        (b'{"a": "\\ud800"}', 400, "json_broken"),
        (b"[]", 422, "request_invalid"),
        (b"null", 422, "request_invalid"),
        (json.dumps({**ORDER, "colour": "red"}).encode(), 422, "request_invalid"),
        (json.dumps({**ORDER, "payment_method": "cash"}).encode(), 422, "request_invalid"),
        (json.dumps({**ORDER, "offerings": []}).encode(), 422, "request_invalid"),
        (json.dumps({"offerings": ORDER["offerings"]}).encode(), 422, "request_invalid"),
        (json.dumps({**ORDER, "offerings": [{"offering_id": "x", "quantity": 1}]}).encode(), 422, "request_invalid"),
        (json.dumps({**ORDER, "offerings": [{"offering_id": str(OFFERING_ID), "quantity": "1"}]}).encode(),
         422, "request_invalid"),
        (json.dumps({**ORDER, "notes": "a\u0001b"}).encode(), 422, "request_invalid"),
        (json.dumps({**ORDER, "notes": "a\u0000b"}).encode(), 422, "text_not_allowed"),
        (b'{"notes": ' + b"[" * 40 + b"]" * 40 + b"}", 422, "json_too_deep"),
        (b"[" * 100_000, 422, "json_too_deep"),
    ],
)  # fmt: skip
def test_a_body_that_makes_no_sense_is_refused(site: Site, body: bytes, status: int, code: str) -> None:
    """Broken, deep, foreign and mistyped bodies are told apart, and none reaches a service."""
    answer = site.post("/v1/orders", body, api_key=CUSTOMER_KEY)
    assert (answer.status, answer.json["code"]) == (status, code), answer.text
    assert answer.json["status"] == status
    assert site.rpc.asked == []


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"])
def test_a_time_out_of_the_calendar_is_refused(site: Site, at: str) -> None:
    """In other zones it has no year: the database keeps it, and whoever reads its row later fails."""
    price = {"valid_from": at, "charge_basis": "x", "unit_price": {"amount": 100, "currency": "CNY"}}
    answer = site.post(f"/v1/offerings/{OFFERING_ID}/prices", {"price": price}, api_key=PROVIDER_KEY)
    plan = {"valid_from": at, "fee_bps": 1_000, "station_bps": 7_000}
    for refused in (answer, site.post("/v1/commission-plans", plan, api_key=OPERATOR_KEY)):
        assert refused.status == 422
        assert any(each["field"].endswith("valid_from") for each in refused.json["fields"]), refused.text
    assert site.rpc.asked == []


def test_an_escaped_backslash_before_u0000_is_text(site: Site) -> None:
    """`\\\\u0000` in JSON is a backslash and letters, not a NUL."""
    site.rpc.refuse("orders.place_order", "conflict", "orders.own_offering")
    body = json.dumps({**ORDER, "notes": "\\u0000"}).encode()
    assert site.post("/v1/orders", body, api_key=CUSTOMER_KEY).status == 409


def test_brackets_in_a_text_do_not_nest(site: Site) -> None:
    """Depth is counted outside of strings."""
    site.rpc.refuse("orders.place_order", "conflict", "orders.own_offering")
    assert site.post("/v1/orders", {**ORDER, "notes": '["{' * 100}, api_key=CUSTOMER_KEY).status == 409


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_the_limit_is_refused_before_it_is_read(site: Site, *, declared: bool) -> None:
    """With a declared length nothing is read; without one, no more than the limit."""
    taken = 0

    def chunks() -> Any:
        nonlocal taken
        while True:
            taken += 65_536
            yield b"x" * 65_536

    headers = {"content-length": "2000000000", "content-type": "application/json"} if declared else {}
    answer = site.send("POST", "/v1/orders", chunks(), headers, api_key=CUSTOMER_KEY)
    assert (answer.status, answer.json["code"]) == (413, "body_too_large")
    assert answer.headers["connection"] == "close"
    assert taken <= (0 if declared else 1024 * 1024 + 65_536)


def test_a_body_that_was_cut_off_reaches_no_route(site: Site) -> None:
    """The part that came is not taken for the whole, nor for an empty body, which some routes allow."""
    path = f"/v1/orders/{new_id()}/cancel"
    answer = site.send("POST", path, cut_off=True, headers={"content-length": "20"}, api_key=CUSTOMER_KEY)
    assert (answer.status, answer.json["code"]) == (400, "request_malformed")
    assert site.rpc.asked == []


def test_a_body_of_two_lengths_is_refused(site: Site) -> None:
    """Announced and in chunks: whoever stands before us may have believed the other one."""
    headers = {"content-length": "2", "transfer-encoding": "chunked"}
    answer = site.send("POST", "/v1/orders", b"{}", headers, api_key=CUSTOMER_KEY)
    assert (answer.status, answer.json["code"]) == (400, "request_malformed")
    assert answer.headers["connection"] == "close"


def test_a_bank_statement_may_be_larger_than_other_bodies(site: Site) -> None:
    """Its limit is its own; beyond it, it is refused too."""
    site.rpc.refuse("billing.import_bank_statement", "invalid", "billing.bank_statement_unreadable")
    large = {"account": "1", "csv": "x" * 2_000_000}
    assert site.post("/v1/bank-statements", large, api_key=OPERATOR_KEY).json["code"] == (
        "billing.bank_statement_unreadable"
    )
    assert site.post("/v1/bank-statements", b"x" * 9_000_000, api_key=OPERATOR_KEY).status == 413


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "route_unknown"),
        ("GET", "/v1/orders/not-an-id", 422, "request_invalid"),
        ("DELETE", "/v1/orders", 405, "method_not_allowed"),
        ("GET", "/v1/orders?limit=0", 422, "request_invalid"),
        ("GET", "/v1/orders?limit=1.5", 422, "request_invalid"),
        ("GET", "/v1/orders?colour=red", 422, "request_invalid"),
        ("GET", "/v1/orders?state=lost", 422, "request_invalid"),
        ("GET", "/v1/orders?after=%00", 422, "text_not_allowed"),
        ("GET", "/v1/events?after=-1", 422, "request_invalid"),
        ("GET", "/v1/operations/inbox?service=payroll", 422, "request_invalid"),
    ],
)
def test_an_address_that_makes_no_sense_is_refused(site: Site, method: str, path: str, status: int, code: str) -> None:
    """Unknown routes, methods, parameters and values."""
    answer = site.send(method, path, api_key=OPERATOR_KEY)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert site.rpc.asked == []


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "schlüssel", "a\tb"])
def test_an_idempotency_key_is_1_to_255_printable_characters(site: Site, key: str) -> None:
    """Anything else is refused, not cut or stripped."""
    answer = site.post("/v1/orders", ORDER, api_key=CUSTOMER_KEY, headers={"idempotency-key": key})
    assert (answer.status, answer.json["code"]) == (400, "idempotency_key_invalid")


def test_a_command_needs_an_idempotency_key(site: Site) -> None:
    """Without one nothing is asked of any service."""
    answer = site.post("/v1/orders", ORDER, api_key=CUSTOMER_KEY, key=None)
    assert (answer.status, answer.json["code"]) == (400, "idempotency_key_missing")
    assert site.rpc.asked == []


def test_a_body_must_be_json(site: Site) -> None:
    """What a form of another site can send is never taken for JSON."""
    answer = site.post("/v1/orders", ORDER, api_key=CUSTOMER_KEY, headers={"content-type": "text/plain"})
    assert (answer.status, answer.json["code"]) == (415, "media_type_unsupported")


@pytest.mark.parametrize(
    ("kind", "status"),
    [("invalid", 422), ("not_allowed", 403), ("not_found", 404), ("conflict", 409), ("unavailable", 503)],
)
def test_what_a_service_refuses_has_the_status_of_its_kind(site: Site, kind: str, status: int) -> None:
    """Code and facts travel on."""
    site.rpc.refuse("orders.accept_order", kind, "orders.some_reason", "some reason", state="placed")
    answer = site.post(f"/v1/orders/{new_id()}/accept", api_key=CUSTOMER_KEY)
    assert (answer.status, answer.json["code"], answer.json["facts"]) == (
        status, "orders.some_reason", {"state": "placed"},
    )  # fmt: skip
    assert ("retry-after" in answer.headers) == (status == 503)


def test_a_reused_key_is_422(site: Site) -> None:
    """Same key, other request."""
    site.rpc.refuse("orders.accept_order", "invalid", "idempotency_key_reused")
    assert site.post(f"/v1/orders/{new_id()}/accept", api_key=CUSTOMER_KEY).status == 422


@pytest.mark.parametrize(
    "reply",
    [{"error": {"kind": "bug", "code": "internal", "text": "KeyError: secret", "facts": {}}}, {"view": "{}"}, {}],
)
def test_a_bug_says_nothing_of_itself(site: Site, reply: dict[str, Any]) -> None:
    """500 with a correlation id, whatever went wrong behind; also when the answer is no answer."""
    site.rpc.answers["orders.accept_order"] = reply
    answer = site.post(f"/v1/orders/{new_id()}/accept", api_key=CUSTOMER_KEY)
    assert (answer.status, answer.json["code"]) == (500, "internal")
    assert "secret" not in answer.text
    assert answer.json["correlation_id"] == answer.headers["x-correlation-id"]


def test_a_service_that_does_not_answer_is_503(site: Site) -> None:
    """And the caller is told when to come back."""
    answer = site.get(f"/v1/orders/{new_id()}", api_key=CUSTOMER_KEY)
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")


@pytest.mark.parametrize(
    ("accepted", "title"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "缺少请求头 Idempotency-Key。"),
        ("en;q=0.9,zh;q=0.1", "The header Idempotency-Key is required."),
        ("", "The header Idempotency-Key is required."),
        ("fr, zh;q=broken, zh;q=0.2", "缺少请求头 Idempotency-Key。"),
    ],
)
def test_problems_speak_the_callers_language(site: Site, accepted: str, title: str) -> None:
    """Chinese where it is preferred, else English."""
    answer = site.post("/v1/orders", ORDER, api_key=CUSTOMER_KEY, key=None, headers={"accept-language": accepted})
    assert answer.json["title"] == title


@pytest.mark.parametrize("code", ["not_found", "orders.quotation_expired", "something.new"])
def test_a_chinese_title_is_there_for_every_code(site: Site, code: str) -> None:
    """A code without words of its own has its kind's; only then does the detail fall back to the service's English."""
    site.rpc.refuse("orders.get_order", "not_found", code, "There is no such thing.")
    answer = site.get(f"/v1/orders/{new_id()}", api_key=CUSTOMER_KEY, headers={"accept-language": "zh"}).json
    assert not answer["title"].isascii()
    assert answer["detail"].isascii() == (code == "something.new")


def test_field_problems_speak_chinese_and_keep_the_value_to_themselves(site: Site) -> None:
    """What was typed by mistake may be a secret."""
    body = {**ORDER, "payment_method": "my-password"}
    answer = site.post("/v1/orders", body, api_key=CUSTOMER_KEY, headers={"accept-language": "zh"})
    assert answer.json["fields"] == [
        {"field": "payment_method", "code": "literal_error", "text": "不在允许的取值之内。"}
    ]
    assert "my-password" not in answer.text


def test_the_correlation_id_goes_in_and_out(site: Site) -> None:
    """The caller's where it is one, else a new one; it travels on to the service."""
    site.rpc.refuse("orders.accept_order", "conflict", "wrong_state")
    path = f"/v1/orders/{new_id()}/accept"
    own = site.post(path, api_key=CUSTOMER_KEY, headers={"x-correlation-id": "my-request-1"})
    made = site.post(path, api_key=CUSTOMER_KEY, headers={"x-correlation-id": "bad id\r\nx: y"})
    assert own.headers["x-correlation-id"] == own.json["correlation_id"] == "my-request-1"
    assert "bad" not in made.headers["x-correlation-id"]
    assert [request["correlation_id"] for _, request in site.rpc.asked] == [
        "my-request-1", made.headers["x-correlation-id"],
    ]  # fmt: skip


def test_every_answer_carries_security_headers(site: Site) -> None:
    """Refusals too."""
    for answer in (site.get("/healthz"), site.get("/v1/nothing"), site.get("/sign-in")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_every_file_that_may_be_large_comes_in(site: Site) -> None:
    """Where a field may be longer than other bodies are, the body may be, and nowhere else."""
    for path, larger in posts_with_a_file():
        answer = site.send(
            "POST", path, b"x" * 2_000_000, {"content-type": "application/json"}, api_key=OPERATOR_KEY
        )  # fmt: skip
        assert (answer.status == 413) is not larger, path


def posts_with_a_file() -> Iterator[tuple[str, bool]]:
    """Each path that is posted to, with ids; whether a text in its body may be longer than a megabyte."""
    described = json.loads((ROOT / "gateway" / "openapi.json").read_text("utf-8"))
    schemas = described["components"]["schemas"]
    for path, operations in described["paths"].items():
        for content in operations.get("post", {}).get("requestBody", {}).get("content", {}).values():
            body = schemas[content["schema"]["$ref"].rpartition("/")[2]]
            longest = max((field.get("maxLength", 0) for field in body["properties"].values()), default=0)
            yield re.sub(r"\{\w+\}", str(new_id()), path), longest > 1024 * 1024
