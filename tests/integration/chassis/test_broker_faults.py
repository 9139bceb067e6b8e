"""The broker is gone, refuses, is full or has lost a queue: events wait in the log and take effect once, later."""

import os
import time
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from services.shared.chassis import failpoint, receiver, relay
from services.shared.kernel.ids import new_id
from tests.integration.chassis.conftest import Pair, apply_topology
from tests.kit import probe
from tests.kit.platform import rabbitmqctl

Wait = Callable[..., None]

OUTAGE_S = float(os.environ.get("YIQI_TEST_OUTAGE_S", "8"))
"""How long the broker stays down; stopping and starting it take some seconds more."""


def _published(pair: Pair) -> int:
    return int(str(pair.source.rows("SELECT published_seq FROM relay")[0][0]))


def _stated(pair: Pair) -> int:
    """Events that were committed, numbered or not."""
    ((count,),) = pair.source.rows("SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM event_log)")
    return int(str(count))


def test_an_outage_under_load_delays_and_loses_nothing(pair: Pair, wait: Wait) -> None:
    """While the broker is down commands go on being committed; then everything takes effect, in order."""
    pair.run("orders")
    pair.run("billing")
    orders = [new_id() for _ in range(5)]
    numbers: list[str] = []

    def load(count: int) -> None:
        more = [f"{len(numbers) + i:05d}" for i in range(count)]
        probe.publish(pair.source, more, [orders[int(number) % 5] for number in more])
        numbers.extend(more)

    load(20)
    wait(lambda: len(pair.effects()) == 20)
    rabbitmqctl("stop_app")
    try:
        until = time.monotonic() + OUTAGE_S
        while time.monotonic() < until:
            load(10)
        assert _stated(pair) == len(numbers)
        assert _published(pair) == 20
        assert len(pair.effects()) == 20
    finally:
        rabbitmqctl("start_app")
    load(10)
    wait(lambda: len(pair.effects()) >= len(numbers))
    rows = pair.consumer.rows("SELECT stream, number FROM effect ORDER BY id")
    assert sorted(number for _, number in rows) == numbers
    for order in orders:
        mine = [number for stream, number in rows if stream == f"order/{order}"]
        assert mine == sorted(mine)


def test_a_memory_alarm_ends_in_a_timeout_and_not_in_waiting_for_ever(
    pair: Pair, wait: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker short of memory takes and confirms nothing: the relay gives up, comes back, and goes on in the end."""
    monkeypatch.setattr(relay, "CONFIRM_TIMEOUT_S", 1.0)
    pair.run("orders")
    pair.run("billing")
    order = new_id()
    probe.publish(pair.source, ["before"], [order])
    wait(lambda: pair.effects() == ["before"])
    failed = pair.failures("orders relay")
    with capture_logs() as told:
        rabbitmqctl("set_vm_memory_high_watermark", "0")
        try:
            numbers = [f"n{i:02d}" for i in range(30)]
            probe.publish(pair.source, numbers, [order] * 30)
            wait(lambda: pair.failures("orders relay") >= failed + 2)
            assert _published(pair) == 1
            assert pair.effects() == ["before"]
        finally:
            rabbitmqctl("set_vm_memory_high_watermark", "0.3")
    assert any("did not confirm in time" in line.get("error", "") for line in told)
    wait(lambda: len(pair.effects()) >= 31)
    assert pair.effects() == ["before", *numbers]


def test_a_full_inbox_holds_the_log_and_does_not_flood_the_others(pair: Pair, wait: Wait) -> None:
    """
    One full inbox refuses while every other queue took its copy: the log waits, and asks with one event at a time.

    Trying again with whole batches would put thousands of copies into the other inboxes.
    """
    pair.broker.purge("notify.inbox")
    numbers = [f"{i:04d}" for i in range(600)]
    order = new_id()
    probe.publish(pair.source, numbers, [order] * len(numbers))
    failed = pair.failures("orders relay")
    pair.broker.set_policy("test-full", r"^billing\.inbox$", {"max-length": 20, "overflow": "reject-publish"})
    try:
        pair.run("orders")
        wait(lambda: pair.failures("orders relay") >= failed + 3)
        held = _published(pair)
        assert held < len(numbers) == _stated(pair)
        # Each published one, one batch that was refused as a whole, and an event per try.
        assert pair.broker.ready("notify.inbox") <= held + relay.PUBLISH_BATCH + 10
    finally:
        pair.broker.remove_policy("test-full")
    pair.run("billing")
    wait(lambda: len(pair.effects()) >= len(numbers))
    assert pair.effects() == numbers


def test_a_queue_that_is_deleted_is_missed_loudly_and_its_events_are_fetched(pair: Pair, wait: Wait) -> None:
    """The receiver fails until the topology is applied again; what was stated meanwhile comes from the log."""
    pair.run("orders")
    pair.run("billing")
    order = new_id()
    probe.publish(pair.source, ["before"], [order])
    wait(lambda: pair.effects() == ["before"])
    failed = pair.failures("billing receiver")
    pair.broker.delete_queue("billing.inbox")
    try:
        probe.publish(pair.source, ["lost"], [order])
        wait(lambda: pair.failures("billing receiver") > failed and _published(pair) == 2)
        assert pair.effects() == ["before"]
    finally:
        apply_topology()
    probe.publish(pair.source, ["after"], [order])
    wait(lambda: pair.effects() == ["before", "lost", "after"])


def test_a_consumer_that_starts_late_takes_everything_in_portions(
    pair: Pair, wait: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand events wait: no more than the prefetch is out at a time, and each takes effect once, in order."""
    pair.run("orders")
    numbers = [f"{i:04d}" for i in range(1_000)]
    order = new_id()
    probe.publish(pair.source, numbers, [order] * len(numbers))
    wait(lambda: _published(pair) == len(numbers))
    waiting = pair.broker.ready("billing.inbox")
    assert waiting >= len(numbers)
    held = True

    def hold(name: str) -> None:
        while held and name == "receiver_committed":
            time.sleep(0.01)

    monkeypatch.setattr(failpoint, "reach", hold)
    try:
        pair.run("billing")
        wait(lambda: len(pair.effects()) > 0)
        wait(lambda: pair.broker.ready("billing.inbox") <= waiting - 2 * receiver.BATCH)
        assert pair.broker.ready("billing.inbox") >= waiting - 2 * receiver.BATCH
    finally:
        held = False
    wait(lambda: len(pair.effects()) >= len(numbers))
    assert pair.effects() == numbers
