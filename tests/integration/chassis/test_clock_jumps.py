"""The clock of the machine jumps by an hour, forth and back: nothing is lost, nothing happens twice."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from services.shared.chassis.clock import SystemClock
from services.shared.kernel.ids import new_id
from tests.integration.chassis.conftest import Pair
from tests.kit import probe

Wait = Callable[..., None]

HOUR = timedelta(hours=1)


class Machine:
    """The clock on the wall, as far off as it is told to be."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.off = timedelta()
        monkeypatch.setattr(SystemClock, "wall", lambda _: datetime.now(UTC) + self.off)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_timers_run_once_whichever_way_the_clock_jumps(pair: Pair, wait: Wait, machine: Machine) -> None:
    """What became due by a jump runs; when the clock goes back it does not run again, and none is forgotten."""
    now = datetime.now(UTC)
    probe.set_timer(pair.consumer, "in half an hour", now + HOUR / 2)
    probe.set_timer(pair.consumer, "in three hours", now + 3 * HOUR)
    pair.run("billing", "timers")
    machine.off = HOUR
    wait(lambda: pair.effects() == ["in half an hour"])
    machine.off = -HOUR
    probe.set_timer(pair.consumer, "an hour ago", now - 2 * HOUR)
    probe.set_timer(pair.consumer, "now", now)
    # The one that was due before all jumps shows that the sweep has passed the others.
    wait(lambda: pair.effects() == ["in half an hour", "an hour ago"])
    machine.off = timedelta()
    wait(lambda: pair.effects() == ["in half an hour", "an hour ago", "now"])
    # Business time, which tests and the demonstration move, counts in the same way.
    pair.consumer.change("UPDATE clock SET offset_s = 4 * 3600")
    wait(lambda: pair.effects() == ["in half an hour", "an hour ago", "now", "in three hours"])
    assert pair.consumer.rows("SELECT count(*) FROM timer") == [(0,)]


def test_events_flow_through_jumps(pair: Pair, wait: Wait, machine: Machine) -> None:
    """Order comes from numbers and never from times; what waits for another try runs when the clock is right."""
    pair.run("orders")
    pair.run("billing")
    order, failing = new_id(), new_id()
    for number, off in (("1", timedelta()), ("2", HOUR), ("3", -HOUR)):
        machine.off = off
        probe.publish(pair.source, [number], [order])
        wait(lambda number=number: number in pair.effects())
    assert pair.effects() == ["1", "2", "3"]
    machine.off = HOUR
    probe.publish(pair.source, ["later"], [failing])
    wait(lambda: pair.consumer.rows("SELECT 1 FROM inbox WHERE attempts = 1") == [(1,)])
    machine.off = -HOUR
    probe.publish(pair.source, ["4"], [order])
    wait(lambda: pair.effects() == ["1", "2", "3", "4"])
    machine.off = 2 * HOUR
    wait(lambda: pair.effects() == ["1", "2", "3", "4", "later"])
