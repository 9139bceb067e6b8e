"""A process sleeps through its own death, is restarted while it works, or meets what no `except Exception` catches."""

import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from services.shared.kernel.ids import new_id
from tests.integration.chassis.conftest import Pair
from tests.kit import probe

Wait = Callable[..., None]


def test_a_consumer_that_slept_in_its_transaction_has_no_second_effect(pair: Pair, wait: Wait) -> None:
    """Stopped before its commit it keeps its stream to itself until PostgreSQL ends it; awake, it can write nothing."""
    pair.run("orders", "relay")
    pair.run("billing", "receiver")
    stuck, free = new_id(), new_id()
    sleeper = pair.start(
        "billing", "handlers",
        YIQI_FAILPOINT="handlers_before_commit:sleep=1", PROBE_IDLE_IN_TRANSACTION_MS="2000",
    )  # fmt: skip
    wait(lambda: pair.sessions("billing") == 2)
    probe.publish(pair.source, ["stuck1"], [stuck])
    wait(lambda: pair.consumer.rows(
        "SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction' AND query LIKE 'INSERT INTO effect%'"
    ) == [(1,)], 60, 0.01)  # fmt: skip
    sleeper.send_signal(signal.SIGSTOP)
    pair.run("billing", "handlers")
    probe.publish(pair.source, ["stuck2", "free"], [stuck, free])
    wait(lambda: pair.effects() == ["free"])
    wait(lambda: pair.effects() == ["free", "stuck1", "stuck2"])
    assert pair.sessions("billing") == 2
    sleeper.send_signal(signal.SIGCONT)
    wait(lambda: pair.sessions("billing") == 3)  # it found out, and has come back
    assert sleeper.poll() is None
    assert pair.effects() == ["free", "stuck1", "stuck2"]


def test_a_relay_that_slept_before_publishing_adds_copies_only(pair: Pair, wait: Wait) -> None:
    """While it slept its lock was lost and another relay went on: what it still says are the same numbers again."""
    pair.run("billing", "receiver,handlers")
    sleeper = pair.start("orders", "relay", YIQI_FAILPOINT="relay_sequenced:sleep=1")
    wait(lambda: pair.sessions("orders") == 1)
    order = new_id()
    probe.publish(pair.source, ["a1", "a2"], [order] * 2)
    wait(lambda: pair.source.rows("SELECT count(*) FROM event_log") == [(2,)], 60, 0.01)
    sleeper.send_signal(signal.SIGSTOP)
    pair.source.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'work orders'")
    pair.run("orders", "relay")
    probe.publish(pair.source, ["b1", "b2"], [order] * 2)
    wait(lambda: pair.effects() == ["a1", "a2", "b1", "b2"])
    assert pair.sessions("orders") == 1
    sleeper.send_signal(signal.SIGCONT)
    wait(lambda: pair.sessions("orders") == 2)
    wait(lambda: pair.broker.ready("billing.inbox") == 0)
    assert pair.effects() == ["a1", "a2", "b1", "b2"]
    assert pair.source.rows("SELECT count(*), max(seq) FROM event_log") == [(4, 4)]
    assert pair.source.rows("SELECT published_seq FROM relay") == [(4,)]


def test_a_rolling_restart_while_events_come_loses_and_doubles_nothing(pair: Pair, wait: Wait) -> None:
    """Five times the next process is there before the last one ends, which ends by itself with 0."""
    numbers: list[str] = []
    enough = threading.Event()
    order = new_id()

    def send() -> None:
        while not enough.is_set():
            more = [f"{len(numbers) + i:05d}" for i in range(5)]
            probe.publish(pair.source, more, [order] * 5)
            numbers.extend(more)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        old = [pair.start("orders", "relay"), pair.start("billing", "receiver,handlers")]
        for _ in range(5):
            before = len(pair.effects())
            wait(lambda before=before: len(pair.effects()) > before)
            new = [pair.start("orders", "relay"), pair.start("billing", "receiver,handlers")]
            # Connected, so also ready to be told to end in the next round: one session of the relay, two of the other.
            wait(lambda: pair.sessions("orders") == 2 and pair.sessions("billing") == 4)
            for process in old:
                process.terminate()
            assert [process.wait(30) for process in old] == [0, 0]
            old = new
    finally:
        enough.set()
        sender.join()
    wait(lambda: len(pair.effects()) >= len(numbers))
    assert pair.effects() == numbers


@pytest.mark.parametrize(("number", "name"), [("exit", "SystemExit"), ("interrupt", "Interrupted")])
def test_what_is_no_exception_parks_its_event_and_stops_nothing_else(
    pair: Pair, wait: Wait, number: str, name: str
) -> None:
    """SystemExit in a thread would end all handling without a word; like any bug it parks its event."""
    pair.run("orders")
    pair.run("billing")
    stuck, free = new_id(), new_id()
    probe.publish(pair.source, ["ok0", number, "behind", "ok1"], [free, stuck, stuck, free])
    wait(lambda: pair.inbox("parked") == 1 and pair.effects() == ["ok0", "ok1"])
    ((reason,),) = pair.consumer.rows("SELECT last_error FROM inbox WHERE status = 'parked'")
    assert f"{name}: on purpose" in str(reason)
    probe.publish(pair.source, ["ok2"], [free])
    wait(lambda: pair.effects() == ["ok0", "ok1", "ok2"])


def test_neither_does_it_stop_timers_or_outside_calls(pair: Pair, wait: Wait) -> None:
    """The one that raised is put off and tried again; the next ones run."""
    now = datetime.now(UTC)
    probe.set_timer(pair.consumer, "exit", now - timedelta(seconds=2))
    probe.set_timer(pair.consumer, "well", now - timedelta(seconds=1))
    probe.call_outside(pair.consumer, "exit")
    probe.call_outside(pair.consumer, "well")
    pair.run("billing", "timers,outside")
    wait(lambda: pair.effects() == ["well"])
    wait(lambda: pair.consumer.rows("SELECT 1 FROM outside_call WHERE status = 'succeeded'") == [(1,)])
    wait(lambda: pair.consumer.rows("SELECT attempts > 1 FROM timer WHERE subject = 'exit'") == [(True,)])
    wait(lambda: pair.consumer.rows("SELECT attempts > 1, last_error FROM outside_call WHERE key = 'exit'") == [
        (True, "SystemExit: on purpose")
    ])  # fmt: skip
