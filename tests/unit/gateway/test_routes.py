"""What routes do besides passing on: status, key, polling, ETag, raw bytes; and that each passes its own command."""

import ast
import json
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import gateway.routes as package
from gateway.documentation import describe, routes_of
from services.shared.kernel.ids import new_id
from services.shared.messages.billing.payment import StripeEventReceipt
from services.shared.messages.billing.settlement import SettlementPreview
from services.shared.messages.notify.feed import FeedEntry, FeedPage
from services.shared.messages.orders.order import OrderReceipt
from services.shared.messages.registry import commands, queries
from tests.unit.gateway import views
from tests.unit.gateway.asgi import Site
from tests.unit.gateway.conftest import CUSTOMER_KEY, OPERATOR_KEY, PROVIDER_KEY
from tests.unit.gateway.views import AMOUNTS, ORDER_ID, REPORT_ID


def test_placing_an_order_answers_201_with_its_place(site: Site) -> None:
    """The command goes out with actor, key, correlation id and trace; the receipt comes back once."""
    receipt = OrderReceipt(order_id=ORDER_ID, number="OR-2026-000001", state="placed", amounts=AMOUNTS)
    site.rpc.answers["orders.place_order"] = receipt
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    offering_id = new_id()
    answer = site.post(
        "/v1/orders",
        {"offerings": [{"offering_id": str(offering_id), "quantity": 2}], "payment_method": "card"},
        api_key=CUSTOMER_KEY,
        key="order-7",
        headers={"traceparent": trace},
    )
    assert (answer.status, answer.headers["location"]) == (201, f"/v1/orders/{ORDER_ID}")
    assert answer.json["amounts"]["gross"] == {"amount": 106_000, "currency": "CNY"}
    ((name, request),) = site.rpc.asked
    assert (name, request["key"], request["traceparent"]) == ("orders.place_order", "order-7", trace)
    assert request["actor"]["roles"] == ["approver", "customer_finance", "requester"]
    assert site.rpc.bodies[0]["offerings"] == [{"offering_id": str(offering_id), "quantity": 2}]


def test_queries_travel_without_a_key(site: Site) -> None:
    """A key on a GET means nothing."""
    site.rpc.answers["orders.get_order"] = views.an_order_view("customer")
    site.get(f"/v1/orders/{ORDER_ID}", api_key=CUSTOMER_KEY, headers={"idempotency-key": "k"})
    assert site.rpc.asked[0][1]["key"] is None


def test_a_day_behind_the_question_mark_is_read(site: Site) -> None:
    """It comes as text, which a body's schema, being strict, would refuse."""
    site.rpc.answers["billing.preview_settlements"] = SettlementPreview(items=())
    answer = site.get("/v1/settlements/preview?until=2026-12-18", api_key=OPERATOR_KEY)
    assert (answer.status, answer.json) == (200, {"items": []})
    assert site.rpc.bodies == [{"until": "2026-12-18"}]


def _then(*states: tuple[str, str]) -> Any:
    waiting = [views.a_report_view(state=state, problem=problem) for state, problem in states]
    return lambda: {"view": (waiting.pop(0) if len(waiting) > 1 else waiting[0]).model_dump_json()}


@pytest.mark.parametrize(
    ("states", "status"),
    [
        ([("checking", ""), ("issued", "")], 200),
        ([("checking", ""), ("draft", "upload_mismatch")], 422),
        ([("checking", "")], 202),
    ],
)
def test_issuing_a_report_waits_for_the_check(site: Site, states: list[tuple[str, str]], status: int) -> None:
    """200 issued, 422 with the code of what is wrong with the file, 202 when it takes longer."""
    site.rpc.answers["orders.issue_report"] = views.a_report_view(state="checking")
    site.rpc.answers["orders.get_report"] = _then(*states)
    answer = site.post(f"/v1/reports/{REPORT_ID}/issue", api_key=PROVIDER_KEY)
    assert answer.status == status
    if status == 422:
        assert answer.json["code"] == "upload_mismatch"


def test_issuing_again_under_the_same_key_tells_what_is_true_now(site: Site) -> None:
    """The kept answer says *checking* for ever; the report itself does not."""
    site.rpc.answers["orders.issue_report"] = views.a_report_view(state="checking")
    site.rpc.answers["orders.get_report"] = views.a_report_view(state="issued")
    assert site.post(f"/v1/reports/{REPORT_ID}/issue", api_key=PROVIDER_KEY).json["state"] == "issued"


def test_the_feed_has_an_etag(site: Site) -> None:
    """Whoever has the page already gets an empty answer."""
    page = FeedPage(items=(FeedEntry(sequence=1, prev_sequence=0, event={"id": "x"}),), high_watermark=1)
    site.rpc.answers["notify.list_feed"] = page
    first = site.get("/v1/events?after=0&types=order.placed.v1,%20payment.succeeded.v1", api_key=CUSTOMER_KEY)
    again = site.get("/v1/events", api_key=CUSTOMER_KEY, headers={"if-none-match": first.headers["etag"]})
    site.rpc.answers["notify.list_feed"] = page.model_copy(update={"high_watermark": 2})
    changed = site.get("/v1/events", api_key=CUSTOMER_KEY, headers={"if-none-match": first.headers["etag"]})
    assert (first.status, again.status, again.body, changed.status) == (200, 304, b"", 200)
    assert site.rpc.bodies[0]["types"] == ["order.placed.v1", "payment.succeeded.v1"]


def test_the_stripe_webhook_passes_raw_bytes_on(site: Site) -> None:
    """A signature fits the bytes as they came: order of fields, spaces and all."""
    raw = '{"id":  "evt_1",\n "b": 1, "a": "ü" }'.encode()
    site.rpc.answers["billing.record_stripe_event"] = StripeEventReceipt(stripe_event_id="evt_1", seen_before=False)
    for signature in ("t=1,v1=aa", "t=2,v1=bb"):
        answer = site.post("/v1/webhooks/stripe", raw, headers={"stripe-signature": signature}, key=None)
        assert answer.status == 200
    first, second = (request for _, request in site.rpc.asked)
    assert site.rpc.bodies[0] == {"body": raw.decode(), "signature": "t=1,v1=aa"}
    assert first["key"] == sha256(b"t=1,v1=aa\n" + raw).hexdigest()
    assert first["key"] != second["key"]
    assert first["actor"]["kind"] == "public"


def test_the_stripe_webhook_succeeds_only_when_it_is_stored(site: Site) -> None:
    """Otherwise Stripe must come again."""
    headers = {"stripe-signature": "t=1,v1=aa"}
    assert site.post("/v1/webhooks/stripe", b"{}", headers=headers, key=None).status == 503
    site.rpc.refuse("billing.record_stripe_event", "invalid", "billing.stripe_signature_invalid")
    assert site.post("/v1/webhooks/stripe", b"{}", headers=headers, key=None).status == 422
    assert site.post("/v1/webhooks/stripe", b"{}", key=None).json["code"] == "webhook_malformed"
    assert site.post("/v1/webhooks/stripe", b"\xff", headers=headers, key=None).json["code"] == "webhook_malformed"


def test_every_message_has_its_route(site: Site) -> None:
    """No command or query of any service is out of reach; each is asked under its own wire name."""
    del site
    source = "".join(path.read_text("utf-8") for path in Path(package.__path__[0]).glob("*.py"))
    missing = [name for name, kind in {**commands(), **queries()}.items() if f"{kind.__name__}(" not in source]
    # The operating company is founded from the command line.
    assert missing == ["identity.found_operator"]


def test_every_route_that_needs_somebody_refuses_nobody(site: Site) -> None:
    """401 without credentials, for each route but the public ones; and no service is asked."""
    public = {
        "/v1/organisations", "/v1/members/join", "/v1/sessions", "/v1/offerings/{offering_id}",
        "/v1/catalogue/search", "/v1/report-checks/{code}", "/v1/webhooks/stripe", "/v1/webhooks/split-channel",
    }  # fmt: skip
    seen = 0
    for route in routes_of(site.app):
        for method in route.methods or ():
            if route.path in public and (route.path, method) not in {
                ("/v1/organisations", "GET"), ("/v1/sessions", "DELETE"), ("/v1/offerings/{offering_id}", "POST"),
            }:  # fmt: skip
                continue
            path = route.path
            for name in route.param_convertors:
                path = path.replace(
                    f"{{{name}}}", "contract" if name == "paper" else "pdf" if name == "form" else str(new_id())
                )
            answer = site.send(method, path, {})
            assert (answer.status, answer.json["code"]) == (401, "authentication_missing"), (method, path)
            assert answer.headers["www-authenticate"].startswith("Bearer")
            seen += 1
    assert seen > 80
    assert site.rpc.asked == []


def test_the_description_is_complete(site: Site) -> None:
    """Each operation says what it takes and answers; each reference leads somewhere; each POST names its key."""
    document = describe(site.app)
    assert document["openapi"] == "3.1.0"
    schemas = document["components"]["schemas"]
    operations = [
        (path, method, entry) for path, methods in document["paths"].items() for method, entry in methods.items()
    ]
    assert len({entry["operationId"] for _, _, entry in operations}) == len(operations)
    references = _references(document)
    assert {each.rpartition("/")[2] for each in references if "/schemas/" in each} <= set(schemas)
    for path, method, entry in operations:
        assert "default" in entry["responses"], path
        named = {parameter["name"] for parameter in entry.get("parameters", [])}
        needs = method == "post" and path not in {"/v1/sessions", "/v1/webhooks/stripe", "/v1/webhooks/split-channel"}
        assert ("Idempotency-Key" in named) == needs, path


def test_the_committed_description_is_this_one(site: Site) -> None:
    """`python -m gateway openapi` writes it anew."""
    committed = json.loads((Path(package.__path__[0]).parent / "openapi.json").read_text("utf-8"))
    assert committed == json.loads(json.dumps(describe(site.app)))


def test_the_place_of_what_was_made_can_be_asked_for(site: Site) -> None:
    """Whoever follows `Location` finds a route that answers."""
    asked = {re.sub(r"{\w+}", "{}", path) for path, each in describe(site.app)["paths"].items() if "get" in each}
    said = [place for path in Path(package.__path__[0]).glob("*.py") for place in _places(ast.parse(path.read_text()))]
    assert len(said) > 40
    assert [place for place in said if place not in asked] == []


def _places(tree: ast.AST) -> Iterator[str]:
    """The path that each `created` names, with {} for what is filled in, without what stands behind a question mark."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "created":
            place = node.args[1]
            parts = place.values if isinstance(place, ast.JoinedStr) else [place]
            told = [str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts]
            yield from ["".join(told).partition("?")[0]] if told != ["None"] else []


def _references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(_references(each) for each in node.values()))
    return set().union(*(_references(each) for each in node)) if isinstance(node, list) else set()


def test_probes_are_public_and_metrics_are_not(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong is named, and nothing of its words gets out; who counts what is nobody's business outside."""
    assert site.get("/healthz").json == {"status": "alive"}
    assert site.get("/readyz").json == {"status": "ready", "wrong": {}}
    assert (site.get("/metrics").status, site.get("/metrics").json["code"]) == (404, "route_unknown")

    def fails() -> str | None:
        raise OSError("could not connect to 10.0.0.7")

    monkeypatch.setattr(site.identity, "check", fails)
    monkeypatch.setattr(site.rpc, "ready", False)
    answer = site.get("/readyz")
    assert (answer.status, answer.json) == (
        503, {"status": "not ready", "wrong": {"broker": "does not answer", "identity": "does not answer"}},
    )  # fmt: skip
