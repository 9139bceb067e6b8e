"""What an operator sees of the platform from outside: health and metrics of each process, and one trace per request."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from infra.demo import journey as steps
from infra.demo.client import Client, Json, until
from infra.demo.platform import Platform
from tests.kit.journey import ONE_SAMPLE, Stage
from tests.kit.otlp_collector import Collector, Span, running_collector
from tests.kit.waiting import wait_until

PROGRAMS = ("serve", "work", "gateway")
PARENT = "00f067aa0ba902b7"
STOP_S_MAX = 15.0
"""They take one or two; the rest is for a machine that is busy."""


def fetched(url: str, **headers: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, headers=headers, timeout=30)


def test_metrics_are_on_loopback_ports_and_not_on_the_public_one(platform: Platform, stage: Stage) -> None:
    del stage  # somebody has asked something by now
    environment = platform.environment
    counted = {
        "YIQI_GATEWAY_HEALTH_PORT": "yiqi_http_request_seconds_count",
        "YIQI_SERVE_PORT": "yiqi_command_seconds_count",
        "YIQI_WORK_PORT": "yiqi_events_handled_total",
    }
    waiting = fetched(f"http://127.0.0.1:{environment['YIQI_WORK_PORT']}/metrics").text
    assert 'yiqi_waiting{service="billing",status="parked",table="inbox"} 0.0' in waiting
    for variable, metric in counted.items():
        own = f"http://127.0.0.1:{environment[variable]}"
        assert metric in fetched(f"{own}/metrics").text
        assert fetched(f"{own}/healthz").json() == {"status": "alive"}
        assert fetched(f"{own}/readyz").json() == {"status": "ready", "wrong": {}}
    public = platform.base_url
    assert fetched(f"{public}/metrics").status_code == 404
    assert fetched(f"{public}/healthz").json() == {"status": "alive"}
    assert fetched(f"{public}/readyz").json() == {"status": "ready", "wrong": {}}


@pytest.fixture(scope="module")
def collector(platform: Platform, stage: Stage) -> Iterator[Collector]:
    """With all three programs sending to it; at the end they send nowhere again."""
    del stage  # signed up before, so that the traces here are those of the tests
    with running_collector() as running:
        for program in PROGRAMS:
            platform.restart(
                program, YIQI_OTLP_ENDPOINT=running.url, OTEL_BSP_SCHEDULE_DELAY="200", NO_PROXY="127.0.0.1"
            )
        yield running
    for program in PROGRAMS:
        platform.restart(program)


def post_traced(client: Client, path: str, body: Json, key: str, trace_id: str) -> requests.Response:
    """Send *body* within the trace *trace_id*, as a caller who traces does."""
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(
            f"{client.base_url}/v1{path}", json=body, timeout=30,
            headers={
                "Authorization": f"Bearer {client.api_key}", "Idempotency-Key": key,
                "traceparent": f"00-{trace_id}-{PARENT}-01",
            },
        )  # fmt: skip
    assert answer.ok, answer.text
    return answer


def order_traced(stage: Stage, journey: steps.Journey, trace_id: str) -> tuple[str, str]:
    """Place an order within *trace_id* and wait for its papers. Answers its id and the correlation id."""
    offering_id = stage.offering(stage.provider, 100_000)
    # This one is patient: what was published a moment ago reaches orders by an event.
    steps.place_order(stage.begin(stage.with_station, "before"), offering_id, 1, ONE_SAMPLE, "card")
    body = {
        "offerings": [{"offering_id": offering_id, "quantity": 1}],
        "samples": list(ONE_SAMPLE), "payment_method": "card",
    }  # fmt: skip
    client = stage.referred["requester"]
    placed = post_traced(client, "/orders", body, journey.key("place"), trace_id)
    order_id: str = placed.json()["order_id"]
    until(lambda: steps.order_of(client, order_id), lambda found: len(found["contract"]["documents"]) > 0, "the papers")
    return order_id, placed.headers["X-Correlation-Id"]


class Trace:
    """One trace at the collector."""

    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        self.trace_id = os.urandom(16).hex()

    def spans(self) -> list[Span]:
        return self.collector.spans(self.trace_id)

    def has(self, process: str, name: str, under: Span | None, **attributes: object) -> Span:
        """The one span *name* of *process* directly *under* another (none: under the caller's); waits for it."""

        def found() -> list[Span]:
            parent_id = PARENT if under is None else under.span_id
            return [
                span for span in self.spans()
                if (span.process, span.name, span.parent_id) == (f"yiqi-{process}", name, parent_id)
                and attributes.items() <= span.attributes.items()
            ]  # fmt: skip

        try:
            wait_until(lambda: bool(found()), timeout_s=20, every_s=0.2)
        except TimeoutError:
            pytest.fail("\n".join([f"{name} of {process} {attributes} is not there:", *map(str, self.spans())]))
        (span, *_) = found()
        assert not span.failed
        return span


def test_a_request_is_one_trace_through_all_processes(stage: Stage, collector: Collector) -> None:
    """HTTP → RPC → event → handler of another service → outside call, each under the one that caused it."""
    journey = stage.begin(stage.with_station, "traced")
    placing = Trace(collector)
    order_id, correlation_id = order_traced(stage, journey, placing.trace_id)
    http = placing.has("gateway", "HTTP POST /v1/orders", None, status=201, correlation_id=correlation_id)
    asked = placing.has("gateway", "ask orders.place_order", http)
    served = placing.has("serve", "serve orders.place_order", asked, service="orders", outcome="done")
    placing.has("work", "handle order.placed.v1", served, service="notify")
    # What is done outside states an event of its own, which others act on.
    rendered = placing.has("work", "call render_contract", served, service="orders")
    told = placing.has("work", "handle contract.rendered.v1", rendered, service="notify")
    placing.has("work", "call send_mail", told, service="notify")

    steps.sign(journey, order_id, "customer")
    steps.sign(journey, order_id, "provider")
    signing = Trace(collector)
    order = steps.order_of(stage.operator["contract_operator"], order_id)
    (paper,) = (each for each in order["contract"]["documents"] if each["paper"] == "contract")
    path = f"/contracts/{order['contract']['contract_id']}/sign"
    body = {"signatory": stage.operator.signatory("contract_operator"), "sha256": paper["sha256"]}
    post_traced(stage.operator["contract_operator"], path, body, journey.key("sign"), signing.trace_id)
    http = signing.has("gateway", "HTTP POST /v1/contracts/{contract_id}/sign", None)
    served = signing.has(
        "serve", "serve orders.sign_contract", signing.has("gateway", "ask orders.sign_contract", http)
    )
    contracted = signing.has("work", "handle order.contracted.v1", served, service="billing")
    signing.has("work", "call create_payment_intent", contracted, service="billing")


def ends_in_s(platform: Platform, program: str) -> float:
    """How long *program* takes to end when it is asked to; the supervisor starts it again, with the same settings."""
    process = Path(f"/proc/{platform.pid_of(program)}")
    began = time.monotonic()
    os.kill(int(process.name), signal.SIGTERM)
    wait_until(lambda: not process.exists(), timeout_s=40)
    return time.monotonic() - began


@pytest.mark.parametrize("fault", ["hangs", "gone"])
def test_a_collector_that_fails_costs_spans_and_nothing_else(stage: Stage, collector: Collector, fault: str) -> None:
    """Orders are placed and worked on as ever, and every process still ends when it is asked to."""
    if fault == "hangs":
        collector.process.send_signal(signal.SIGSTOP)
    else:
        collector.process.kill()
    journey = stage.begin(stage.with_station, f"untraced-{fault}")
    order_id, _ = order_traced(stage, journey, os.urandom(16).hex())
    client = stage.referred["requester"]
    took_s = []
    for _ in range(20):
        began = time.monotonic()
        steps.order_of(client, order_id)
        took_s.append(time.monotonic() - began)
    assert sorted(took_s)[10] < 0.5
    ended_s = {program: ends_in_s(stage.platform, program) for program in PROGRAMS}
    assert max(ended_s.values()) < STOP_S_MAX, ended_s
    stage.platform.wait_for(PROGRAMS)
