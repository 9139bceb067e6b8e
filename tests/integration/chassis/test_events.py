"""An event that was committed takes effect once, in the order of its stream, whatever dies in between."""

import signal
from collections.abc import Callable
from typing import Any

import pytest

from services.shared.chassis import database, event_log
from services.shared.kernel.ids import new_id
from tests.integration.chassis.conftest import Pair
from tests.kit import probe

Wait = Callable[..., None]


def test_each_event_takes_effect_once_and_in_order(pair: Pair, wait: Wait) -> None:
    """Events of one order take effect in the order in which they were stated, those of others beside them."""
    pair.run("orders")
    pair.run("billing")
    one, two = new_id(), new_id()
    numbers = [f"n{i}" for i in range(40)]
    probe.publish(pair.source, numbers, [one if i % 2 else two for i in range(40)])
    wait(lambda: len(pair.effects()) == 40)
    effects = pair.effects()
    assert [n for n in effects if int(n[1:]) % 2] == [n for n in numbers if int(n[1:]) % 2]
    assert [n for n in effects if not int(n[1:]) % 2] == [n for n in numbers if not int(n[1:]) % 2]


def test_the_log_is_gapless_and_chained(pair: Pair, wait: Wait) -> None:
    """Numbers of the log have no gaps, and a changed body, a missing row or a moved hash shows."""
    pair.run("orders")
    probe.publish(pair.source, [f"n{i}" for i in range(25)])
    wait(lambda: pair.source.rows("SELECT published_seq FROM relay") == [(25,)])
    chain = "SELECT seq, body, body_sha256, hash FROM event_log ORDER BY seq"
    rows: list[Any] = pair.source.rows(chain)
    assert list(event_log.verify(rows)) == list(range(1, 26))
    seq, body, digest, head = rows[9]
    for broken in (
        rows[:9] + rows[10:],
        [*rows[:9], (seq, bytes(body) + b" ", digest, head), *rows[10:]],
        [*rows[:9], (seq, body, digest, b"x" * 32), *rows[10:]],
    ):
        with pytest.raises(event_log.ChainBroken) as caught:
            list(event_log.verify(broken))
        assert caught.value.seq == 10


def test_the_log_cannot_be_changed_by_the_service_nor_by_its_owner(pair: Pair, wait: Wait) -> None:
    """UPDATE, DELETE and TRUNCATE of the event log are refused."""
    pair.run("orders")
    probe.publish(pair.source, ["n1"])
    wait(lambda: pair.source.rows("SELECT count(*) FROM event_log") == [(1,)])
    for statement in ("UPDATE event_log SET type = 'x'", "DELETE FROM event_log", "TRUNCATE event_log"):
        for run in (pair.source.rows, pair.source.change):
            with pytest.raises(Exception, match=r"append-only|permission denied"):
                run(statement)


def test_events_committed_while_no_relay_ran_are_published_later(pair: Pair, wait: Wait) -> None:
    """A service that dies between its commit and the relay loses nothing."""
    probe.publish(pair.source, ["n1", "n2", "n3"])
    pair.run("billing")
    pair.run("orders")
    wait(lambda: len(pair.effects()) == 3)


@pytest.mark.parametrize(
    ("who", "failpoint"),
    [
        ("orders", "relay_sequenced"),
        ("orders", "relay_confirmed"),
        ("billing", "receiver_committed"),
        ("billing", "handlers_before_commit"),
        ("billing", "handlers_committed"),
    ],
)
def test_a_process_that_dies_at_the_worst_moment_loses_and_doubles_nothing(
    pair: Pair, wait: Wait, who: str, failpoint: str
) -> None:
    """Dead after confirm and before the mark, after the commit and before the ack: still one effect each."""
    other = "billing" if who == "orders" else "orders"
    pair.start(other)
    dying = pair.start(who, YIQI_FAILPOINT=f"{failpoint}:crash")
    numbers = [f"n{i}" for i in range(30)]
    probe.publish(pair.source, numbers)
    assert dying.wait(60) == 137
    pair.start(who)
    # Behind everything that may come twice: once it is through, that has come too.
    probe.publish(pair.source, ["last"])
    wait(lambda: "last" in pair.effects() and len(pair.effects()) > 30 and not pair.inbox("ready"))
    assert sorted(pair.effects()) == sorted([*numbers, "last"])


def test_sigkill_in_mid_drain_again_and_again(pair: Pair, wait: Wait) -> None:
    """Both sides killed four times while 1,500 events pass: each takes effect once."""
    orders = [new_id() for _ in range(50)]
    numbers = 1_500
    probe.publish(pair.source, [f"n{i}" for i in range(numbers)], [orders[i % 50] for i in range(numbers)])
    for _ in range(4):
        processes = [pair.start("orders"), pair.start("billing")]
        before = len(pair.effects())
        wait(lambda before=before: len(pair.effects()) > before or len(pair.effects()) == numbers)
        for process in processes:
            process.send_signal(signal.SIGKILL)
            process.wait()
    pair.start("orders")
    pair.start("billing")
    wait(lambda: len(pair.effects()) >= numbers)
    assert len(pair.effects()) == numbers


def test_sigterm_finishes_what_was_begun(pair: Pair, wait: Wait) -> None:
    """A process that is told to stop ends by itself with 0, and the next one goes on."""
    probe.publish(pair.source, [f"n{i}" for i in range(200)])
    processes = [pair.start("orders"), pair.start("billing")]
    wait(lambda: len(pair.effects()) > 0)
    for process in processes:
        process.terminate()
    assert [process.wait(60) for process in processes] == [0, 0]
    pair.start("orders")
    pair.start("billing")
    wait(lambda: len(pair.effects()) == 200)


def test_two_relays_publish_as_one(pair: Pair, wait: Wait) -> None:
    """Of two relays one is active; when it dies the other takes over; numbers stay gapless."""
    first = pair.start("orders")
    pair.start("orders")
    pair.start("billing")
    probe.publish(pair.source, [f"a{i}" for i in range(50)])
    wait(lambda: len(pair.effects()) == 50)
    first.kill()
    first.wait()
    probe.publish(pair.source, [f"b{i}" for i in range(50)])
    wait(lambda: len(pair.effects()) == 100)
    assert pair.source.rows("SELECT count(*), max(seq) FROM event_log") == [(100, 100)]


def test_two_processes_of_handlers_keep_the_order_of_each_stream(pair: Pair, wait: Wait) -> None:
    """Handlers of one service in two processes: every event once, each stream in order."""
    pair.start("orders")
    pair.start("billing", "receiver")
    orders = [new_id() for _ in range(7)]
    numbers = [f"{i:04d}" for i in range(600)]
    probe.publish(pair.source, numbers, [orders[i % 7] for i in range(600)])
    wait(lambda: pair.inbox("ready") == 600)
    pair.start("billing", "handlers")
    pair.start("billing", "handlers")
    wait(lambda: len(pair.effects()) == 600)
    rows = pair.consumer.rows("SELECT stream, number FROM effect ORDER BY id")
    for order in orders:
        mine = [number for stream, number in rows if stream == f"order/{order}"]
        assert mine == sorted(mine)
        assert len(mine) in {85, 86}


def test_a_bug_parks_its_event_and_holds_up_its_stream_only(pair: Pair, wait: Wait) -> None:
    """Other streams flow on; after the mend a replay runs the parked one, then what waited behind it."""
    pair.run("orders")
    pair.run("billing")
    stuck, free = new_id(), new_id()
    probe.publish(pair.source, ["ok0", "bug1", "after1", "ok1"], [free, stuck, stuck, free])
    wait(lambda: pair.inbox("parked") == 1)
    wait(lambda: pair.effects() == ["ok0", "ok1"])
    # What comes later in a free stream has its effect; what waits behind the bug had its chance before it.
    probe.publish(pair.source, ["ok2"], [free])
    wait(lambda: "ok2" in pair.effects())
    assert pair.effects() == ["ok0", "ok1", "ok2"]
    (reason,) = pair.consumer.rows("SELECT last_error FROM inbox WHERE status = 'parked'")[0]
    assert "RuntimeError: a bug for bug1" in str(reason)
    assert "Traceback" in str(reason)
    pair.consumer.change("UPDATE fault SET mended = true")
    pair.consumer.change("UPDATE inbox SET status = 'ready', attempts = 0 WHERE status = 'parked'")
    wait(lambda: pair.effects() == ["ok0", "ok1", "ok2", "bug1", "after1"])


def test_failures_of_the_world_are_tried_again_and_refusals_are_not(pair: Pair, wait: Wait) -> None:
    """Unavailable and NotYet come again with growing delay and hold up their own stream; Refused is an end."""
    pair.run("orders")
    pair.run("billing")
    a, b, c = new_id(), new_id(), new_id()
    probe.publish(pair.source, ["later1", "behind1", "notyet2", "behind2", "refuse3", "behind3"], [a, a, b, b, c, c])
    wait(lambda: len(pair.effects()) == 5)
    effects = pair.effects()
    assert effects.index("later1") < effects.index("behind1")
    assert effects.index("notyet2") < effects.index("behind2")
    assert "refuse3" not in effects
    ended = pair.consumer.rows("SELECT status, last_error FROM inbox WHERE last_error LIKE 'conflict%'")
    assert ended == [("done", "conflict: refused on purpose")]
    assert pair.consumer.rows("SELECT max(attempts) FROM inbox") == [(2,)]


def test_a_lost_event_shows_as_a_gap_and_is_fetched_from_the_log(pair: Pair, wait: Wait) -> None:
    """The relay believes it published an event that never arrived: the next one shows it, repair brings it."""
    pair.start("billing")
    relay = pair.start("orders")
    probe.publish(pair.source, ["n1"])
    wait(lambda: pair.effects() == ["n1"])
    relay.kill()
    relay.wait()
    _lose_next(pair, "lost", 2)
    pair.start("orders")
    probe.publish(pair.source, ["n3"])
    wait(lambda: pair.effects() == ["n1", "lost", "n3"])


def test_the_loss_of_the_very_last_event_shows_too(pair: Pair, wait: Wait) -> None:
    """Nothing follows the lost event: the heartbeat says how far the log goes."""
    pair.run("billing")
    _lose_next(pair, "lost", 1)
    pair.run("orders")
    wait(lambda: pair.effects() == ["lost"])


def _lose_next(pair: Pair, number: str, seq: int) -> None:
    """Put an event into the log as published that no consumer ever gets."""
    probe.publish(pair.source, [number])
    engine = pair.source.engine(1)
    with database.connection(engine) as held:
        cursor = database.driver(held).cursor()
        cursor.execute("BEGIN; DELETE FROM outbox RETURNING event_id::text, type, stream, data, headers")
        row = cursor.fetchone()
        cursor.execute("SELECT last_seq, last_hash FROM relay")
        last_seq, last_hash = cursor.fetchone()
        assert last_seq == seq - 1
        from services.shared.chassis.clock import SystemClock

        _, head = event_log.append(cursor, "orders", [row], last_seq, bytes(last_hash), SystemClock().wall())
        cursor.execute("UPDATE relay SET last_seq = %s, published_seq = %s, last_hash = %s; COMMIT", (seq, seq, head))
    engine.dispose()
