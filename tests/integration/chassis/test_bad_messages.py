"""A message that cannot be an event is set aside with its reason, and everything else goes on."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import amqp
import pytest

from services.shared.chassis import broker, event_log
from services.shared.kernel.ids import new_id
from tests.integration.chassis.conftest import Pair
from tests.kit import probe

Wait = Callable[..., None]


@pytest.fixture
def relay_channel(stack: dict[str, str]) -> Iterator[Any]:
    """A channel as the relay of orders: whatever it sends has the right sender."""
    connection = broker.connect(stack["YIQI_ORDERS_RELAY_BROKER_URL"], "test")
    yield connection.channel()
    connection.close()


def _send(channel: Any, seq: int, body: bytes, *, wire_name: str = "order.in_progress.v1", **properties: Any) -> None:
    headers = {"seq": seq}
    merged = {"content_type": "application/cloudevents+json", "user_id": "relay_orders", **properties}
    channel.basic_publish(
        amqp.Message(body, application_headers=headers, delivery_mode=2, **merged), "orders.events", wire_name
    )


def _good(seq: int, number: str = "good") -> bytes:
    told = probe.event(number, new_id())
    headers = {"subject": told.subject, "time": "2026-11-23T00:00:00Z", "correlationid": "c", "causationid": "c"}
    return event_log.envelope(
        "orders", seq, str(new_id()), told.wire_name, told.stream, told.model_dump_json(), headers
    )


def _without(body: bytes, key: str) -> bytes:
    envelope = json.loads(body)
    del envelope[key]
    return json.dumps(envelope).encode()


def _with(body: bytes, **changed: object) -> bytes:
    return json.dumps({**json.loads(body), **changed}).encode()


BAD: dict[str, tuple[Callable[[int], bytes], dict[str, Any], str]] = {
    "broken JSON": (lambda _: b'{"id": ', {}, "undecodable"),
    "no UTF-8": (lambda _: b"\xff\xfe\x00", {}, "undecodable"),
    "a list": (lambda _: b"[1, 2]", {}, "undecodable"),
    "nested beyond reason": (lambda _: b"[" * 100_000, {}, "undecodable"),
    "missing id": (lambda seq: _without(_good(seq), "id"), {}, "missing: id"),
    "id is a number": (lambda seq: _with(_good(seq), id=5), {}, "malformed: id"),
    "id is no UUID": (lambda seq: _with(_good(seq), id="x"), {}, "undecodable"),
    "NUL in the stream": (lambda seq: _with(_good(seq), partitionkey="order/\x00"), {}, "malformed: partitionkey"),
    "unknown type": (lambda seq: _with(_good(seq), type="io.yiqi.order.exploded.v1"), {}, "unknown_type"),
    "another source's type": (lambda seq: _with(_good(seq), type="io.yiqi.payment.succeeded.v1"), {}, "unknown_type"),
    "another number": (lambda seq: _with(_good(seq), sequence=f"{seq + 5:020d}"), {}, "contradicts"),
    "another source": (lambda seq: _with(_good(seq), source="/services/billing"), {}, "contradicts"),
    "wrong content type": (_good, {"content_type": "text/plain"}, "wrong_content_type"),
    "5 MB": (lambda seq: _with(_good(seq), data={"x": "y" * 5_000_000}), {}, "too_large"),
    "a NUL in what the handler says of it": (lambda seq: _good(seq, "bug\x00"), {}, "a bug for bug"),
    "data of another shape": (lambda seq: _with(_good(seq), data={"order_id": 5}), {}, "ValidationError"),
}


@pytest.mark.parametrize("name", BAD)
def test_it_is_parked_with_its_reason_and_leaves_no_gap(pair: Pair, wait: Wait, relay_channel: Any, name: str) -> None:
    """A bad message between two good ones: parked under its number, the good ones take effect."""
    make, properties, reason = BAD[name]
    pair.run("billing")
    _send(relay_channel, 1, _good(1, "before"))
    _send(relay_channel, 2, make(2), **properties)
    _send(relay_channel, 3, _good(3, "behind"))
    wait(lambda: pair.effects() == ["before", "behind"])
    wait(lambda: pair.inbox("parked") == 1)
    ((seq, error),) = pair.consumer.rows("SELECT seq, last_error FROM inbox WHERE status = 'parked'")
    assert seq == 2
    assert reason in error


@pytest.mark.parametrize("twice", [False, True])
def test_whatever_stands_in_an_event_is_stored_as_it_came(
    pair: Pair, wait: Wait, relay_channel: Any, *, twice: bool
) -> None:
    """Tabs, line ends and backslashes are data, whichever way the inbox is filled: at once, or beside a copy."""
    stream = "order/\t\\N\\.\r\n\\x41'"
    body = _with(_good(1, "odd\t\\N\n"), partitionkey=stream)
    if twice:
        _send(relay_channel, 1, body)
    _send(relay_channel, 1, body)
    pair.run("billing")
    wait(lambda: pair.effects() == ["odd\t\\N\n"])
    ((stored_stream, stored),) = pair.consumer.rows("SELECT stream, body FROM inbox")
    assert (stored_stream, bytes(stored)) == (stream, body)


def test_a_message_without_a_number_is_dead_lettered(pair: Pair, wait: Wait, relay_channel: Any) -> None:
    """Without a number it has no place in the inbox; the operator sees it among the dead letters."""
    pair.run("billing")
    relay_channel.basic_publish(
        amqp.Message(_good(1), content_type="application/cloudevents+json", user_id="relay_orders"),
        "orders.events",
        "order.in_progress.v1",
    )
    wait(lambda: pair.consumer.rows("SELECT reason, exchange FROM dead_letter") == [("rejected", "billing.inbox")] or
         pair.consumer.rows("SELECT count(*) FROM dead_letter") == [(1,)])  # fmt: skip
    assert pair.inbox("ready") == pair.inbox("done") == 0


def test_a_forged_event_never_reaches_the_inbox_table(pair: Pair, wait: Wait, stack: dict[str, str]) -> None:
    """Valid in every field but from a user that does not own the exchange: not stored, not trusted, on show."""
    url = urlsplit(stack["YIQI_ORDERS_RELAY_BROKER_URL"])
    pair.broker.add_user("forger", "secret", write=r"^orders\.events$")
    try:
        connection = broker.connect(f"amqp://forger:secret@{url.hostname}:{url.port}{url.path}", "forger")
        channel = connection.channel()
        pair.run("billing")
        _send(channel, 1, _good(1, "forged"), user_id="forger")
        _send(channel, 2, _good(2, "forged too"), user_id=None)
        wait(lambda: pair.consumer.rows("SELECT count(*) FROM dead_letter") == [(2,)])
        assert pair.effects() == []
        assert pair.consumer.rows("SELECT count(*) FROM inbox") == [(0,)]
        # and to claim the relay's name is refused by the broker itself
        _send(channel, 3, _good(3), user_id="relay_orders")
        with pytest.raises(amqp.exceptions.AMQPError):
            connection.drain_events(timeout=5)
        broker.close(connection)
    finally:
        pair.broker.remove_user("forger")


def test_the_same_event_three_times_takes_effect_once(pair: Pair, wait: Wait, relay_channel: Any) -> None:
    """Copies under the same number, also long after, also with other bytes: the first one counts."""
    pair.run("billing")
    first = _good(1, "first")
    for _ in range(3):
        _send(relay_channel, 1, first)
    _send(relay_channel, 1, _good(1, "impostor"))
    _send(relay_channel, 2, _good(2, "second"))
    wait(lambda: len(pair.effects()) == 2)
    _send(relay_channel, 1, first)
    _send(relay_channel, 3, _good(3, "third"))
    wait(lambda: len(pair.effects()) == 3)
    assert pair.effects() == ["first", "second", "third"]


def test_the_same_event_long_after_takes_no_second_effect(pair: Pair, wait: Wait, relay_channel: Any) -> None:
    """Its key is kept for ever: there is no window after which a copy would count, nor a restart that forgets it."""
    first = _good(1, "first")
    _send(relay_channel, 1, first)
    pair.run("billing", "receiver,handlers")
    wait(lambda: pair.effects() == ["first"])
    for age in ("31 minutes", "8 days", "2 years"):
        pair.consumer.change(
            "UPDATE inbox SET received_at = received_at - %s::interval, done_at = done_at - %s::interval", (age, age)
        )
        _send(relay_channel, 1, first)
    pair.stop_all()
    _send(relay_channel, 1, first)
    _send(relay_channel, 2, _good(2, "second"))
    pair.run("billing", "receiver,handlers")
    wait(lambda: "second" in pair.effects())
    assert pair.effects() == ["first", "second"]


def test_an_event_nobody_here_handles_leaves_no_row_and_no_gap(pair: Pair, wait: Wait) -> None:
    """It only moves on how far the source has been received."""
    pair.run("orders")
    pair.run("billing")
    order_id = new_id()
    probe.publish_event(pair.source, probe.unhandled(order_id))
    probe.publish(pair.source, ["n2"], [order_id])
    wait(lambda: pair.effects() == ["n2"])
    assert pair.consumer.rows("SELECT seq FROM inbox") == [(2,)]
    assert pair.consumer.rows("SELECT contiguous_seq FROM inbox_source WHERE source = 'orders'") == [(2,)]
