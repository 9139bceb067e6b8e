"""Calls by RPC: whatever happens to the service or on the way, the caller is answered, once, and told nothing."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.auth import PUBLIC_WIRE
from services.shared.chassis import broker, rpc_client
from services.shared.chassis.rpc_client import RpcClient
from services.shared.kernel.errors import Unavailable
from tests.integration.chassis.conftest import Pair
from tests.kit import probe
from tests.kit.fault_proxy import FaultProxy

Wait = Callable[..., None]

WORKERS = 20
Caller = Callable[..., Any]


def _caller(client: RpcClient) -> Caller:
    def call(body: str, deadline_s: float = 10.0) -> Any:
        request = {
            "body": f'{{"body": "{body}", "signature": ""}}', "actor": PUBLIC_WIRE, "key": body, "correlation_id": "c",
        }  # fmt: skip
        return client.call("billing", "record_stripe_event", request, deadline_s)

    return call


@pytest.fixture
def call(pair: Pair, stack: dict[str, str]) -> Iterator[Caller]:
    """Call the probe as the gateway does; it is served by one process from the first call on."""
    pair.running.append(probe.serve(YIQI_BILLING_MAX_WORKERS=str(WORKERS), YIQI_GRACE_S="10"))
    client = RpcClient(stack["YIQI_GATEWAY_BROKER_URL"])
    client.start()
    asking = _caller(client)
    _until_answered(asking)
    yield asking
    client.stop()


def _until_answered(call: Caller) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            call("are you there", 2.0)
        except Unavailable:
            if time.monotonic() > until:
                raise
        else:
            return


def test_no_fault_leaves_a_caller_without_answer_or_tells_what_it_was(
    pair: Pair, wait: Wait, call: Caller
) -> None:  # fmt: skip
    """
    A bug, an error of SQL, a timeout of eventlet's, SystemExit: each is answered at once, without type or text.

    More often than there are workers: one that was lost each time would leave nobody to answer.
    """
    bodies = [f"{how} {number}" for how in ("timeout", "exit", "bug", "sql") for number in range(WORKERS)]
    with ThreadPoolExecutor(5) as several:
        answers = list(several.map(call, bodies))
    assert answers == [{"error": {"kind": "bug", "code": "internal", "text": "", "facts": {}}}] * len(bodies)
    assert call("well")["view"]
    assert sorted(pair.effects()) == ["are you there", "well"]
    _end(pair)
    assert pair.broker.ready("rpc-billing") == 0  # nothing was left unacknowledged


def _end(pair: Pair) -> int:
    (process,) = pair.running
    process.terminate()
    return process.wait(15)


def test_a_service_that_is_told_to_stop_finishes_twenty_calls(pair: Pair, wait: Wait, call: Caller) -> None:
    """SIGTERM with twenty calls under way: each ends once and is answered, and the process ends within its grace."""
    bodies = [f"slow {number}" for number in range(WORKERS)]
    with ThreadPoolExecutor(WORKERS) as several:
        answers = [several.submit(call, body) for body in bodies]
        wait(lambda: pair.consumer.rows(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'serve billing'"
            " AND state = 'idle in transaction'"
        ) == [(WORKERS,)], 60, 0.01)  # fmt: skip
        assert _end(pair) == 0
        assert all(answer.result()["view"] for answer in answers)
    assert sorted(pair.effects()) == sorted(["are you there", *bodies])


def test_a_queue_of_calls_that_is_deleted_is_made_again(pair: Pair, wait: Wait, call: Caller) -> None:
    """The service notices and declares its queue anew; the same key may be sent until it is answered."""
    pair.broker.delete_queue("rpc-billing")
    _until_answered(call)
    assert call("after")["view"]
    assert sorted(pair.effects()) == ["after", "are you there"]


def test_a_caller_in_a_black_hole_is_answered_by_its_deadline(
    pair: Pair, wait: Wait, stack: dict[str, str], call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing comes back and nothing is closed: no call waits longer than it may, and all is well afterwards."""
    monkeypatch.setattr(broker, "HEARTBEAT_S", 2)
    monkeypatch.setattr(rpc_client, "BEAT_S", 0.5)
    url = stack["YIQI_GATEWAY_BROKER_URL"]
    address = urlsplit(url)
    with FaultProxy(str(address.hostname), address.port or 0) as proxy:
        used, unused = RpcClient(proxy.before(url)), RpcClient(proxy.before(url))
        for client in (used, unused):
            client.start()
        assert _caller(used)("before")["view"]
        wait(lambda: unused.ready)
        proxy.black_hole()
        # One that has its connection for calls, and one that has to make it now.
        for client in (used, unused):
            with ThreadPoolExecutor(4) as several:
                started = time.monotonic()
                lost = [several.submit(_caller(client), f"lost {number}", 1.0) for number in range(4)]
                assert all(isinstance(each.exception(), Unavailable) for each in lost)
                assert time.monotonic() - started < 2.5
        wait(lambda: not used.ready)
        proxy.heal()
        wait(lambda: used.ready and unused.ready)
        assert _caller(used)("after")["view"]
        assert _caller(unused)("too")["view"]
        for client in (used, unused):
            client.stop()
