"""PostgreSQL dies, refuses, or gives up a transaction: the work is done again, once, and nothing is parked."""

from collections.abc import Callable

import psycopg2
import pytest

from services.shared.chassis import database, event_log, failpoint
from services.shared.kernel.errors import Unavailable
from services.shared.kernel.ids import new_id
from tests.integration.chassis.conftest import Pair
from tests.kit import probe
from tests.kit.platform import kill_database

Wait = Callable[..., None]


def test_an_immediate_stop_before_a_commit_leaves_nothing_half_done(
    pair: Pair, wait: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database dies while a batch is applied and not committed; when it is back all take effect, once."""
    monkeypatch.setenv("YIQI_BILLING_HANDLER_BATCH", "10")
    batches = 0

    def strike(name: str) -> None:
        nonlocal batches
        if name == "handlers_before_commit":
            batches += 1
            if batches == 3:
                kill_database()

    monkeypatch.setattr(failpoint, "reach", strike)
    numbers = [f"{i:03d}" for i in range(100)]
    probe.publish(pair.source, numbers, [new_id()] * 100)
    pair.run("orders")
    pair.run("billing")

    def all_there() -> bool:
        try:
            return len(pair.effects()) >= 100
        except psycopg2.Error:  # refused, or cut in the middle
            return False

    wait(all_there, 180)  # the server first brings all its files to the disk again
    assert batches > 10
    assert pair.effects() == numbers
    chain = pair.source.rows("SELECT seq, body, body_sha256, hash FROM event_log ORDER BY seq")
    assert list(event_log.verify(chain)) == list(range(1, 101))
    assert pair.inbox("parked") == 0


SQLSTATES = {
    "40001": "serialization failure",
    "40P01": "deadlock",
    "53200": "out of memory",
    "53300": "too many connections",
    "55P03": "a lock not had in time",
    "57014": "statement cancelled",
}


def test_what_the_database_could_not_do_now_is_tried_again(pair: Pair, wait: Wait) -> None:
    """Each of these states twice, then success: nothing is parked, and the order of the stream holds."""
    pair.run("orders")
    pair.run("billing")
    orders = {state: new_id() for state in SQLSTATES}
    numbers = [f"{kind}-{state}" for kind in ("sqlstate", "behind") for state in SQLSTATES]
    probe.publish(pair.source, numbers, [orders[number.partition("-")[2]] for number in numbers])
    wait(lambda: len(pair.effects()) >= len(numbers))
    effects = pair.effects()
    assert sorted(effects) == sorted(numbers)
    for state, what in SQLSTATES.items():
        assert effects.index(f"sqlstate-{state}") < effects.index(f"behind-{state}"), what
    attempts = pair.consumer.rows("SELECT attempts, count(*) FROM inbox GROUP BY 1 ORDER BY 1")
    assert attempts == [(0, len(SQLSTATES)), (2, len(SQLSTATES))]


def test_who_loses_a_deadlock_runs_again(pair: Pair, wait: Wait) -> None:
    """A real circle of two locks, in which the handler is the one that PostgreSQL ends."""
    pair.run("orders")
    pair.run("billing")
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    ((before,),) = pair.consumer.rows(deadlocks)
    other = psycopg2.connect(pair.consumer.url)
    cursor = other.cursor()
    cursor.execute("SELECT pg_advisory_xact_lock(2)")
    probe.publish(pair.source, ["two locks"])
    wait(lambda: pair.consumer.rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == [(1,)])
    # The handler has waited longer, so it is the first to look for a circle, and finds itself in one.
    cursor.execute("SELECT pg_advisory_xact_lock(1)")
    other.commit()
    other.close()
    wait(lambda: pair.effects() == ["two locks"])
    wait(lambda: int(str(pair.consumer.rows(deadlocks)[0][0])) > int(str(before)))
    assert pair.inbox("parked") == 0


def test_a_database_without_a_free_connection_is_waited_for(pair: Pair, wait: Wait) -> None:
    """Every part of `work` comes back until it gets one; what was received in vain is delivered again."""
    parts = ("billing receiver", "billing handlers", "billing timers")
    failed = {name: pair.failures(name) for name in parts}
    owner = psycopg2.connect(pair.consumer.owner_url)
    owner.autocommit = True
    owner.cursor().execute("ALTER DATABASE billing CONNECTION LIMIT 0")
    try:
        pair.run("orders", "relay")
        pair.run("billing", "receiver,handlers,timers")
        probe.publish(pair.source, ["n1", "n2"])
        wait(lambda: all(pair.failures(name) > before for name, before in failed.items()))
    finally:
        owner.cursor().execute("ALTER DATABASE billing CONNECTION LIMIT -1")
        owner.close()
    wait(lambda: len(pair.effects()) >= 2)
    assert sorted(pair.effects()) == ["n1", "n2"]


def test_a_pool_with_nothing_left_is_the_worlds_fault(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gets no connection in time is told to come again; it is no bug that parks anything."""
    engine = pair.consumer.engine(1)
    monkeypatch.setattr(engine.pool, "_timeout", 0.1)
    with database.connection(engine), pytest.raises(Unavailable), database.connection(engine):
        raise AssertionError("there was one")
    engine.dispose()
