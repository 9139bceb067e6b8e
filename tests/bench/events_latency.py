"""
How long from a COMMIT to the effect, at a steady 100 events a second.

Taken from when the sender sends its COMMIT (control: its publish) to when another connection is told
that the effect is committed. A trigger tells it, on both sides: PostgreSQL delivers a NOTIFY with
the COMMIT, so nobody has to ask and nothing is seen too late.
"""

import select
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg2

from services.shared.chassis import broker, database, unit_of_work
from services.shared.chassis.clock import SystemClock
from services.shared.chassis.unit_of_work import Cause, UnitOfWork
from services.shared.kernel.ids import new_id
from tests.bench.control import EVENT, SOURCE
from tests.bench.events import CONTROL, control, control_message, subject
from tests.bench.figures import Bar, Figure, percentile
from tests.bench.setting import Setting
from tests.kit import probe

RATE_PER_S = 100
WARM_UP_S = 2.0

TRIGGER = """
CREATE OR REPLACE FUNCTION tell_effect() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('bench_effect', NEW.number); RETURN NULL; END $$;
CREATE TRIGGER tell_effect AFTER INSERT ON effect FOR EACH ROW EXECUTE FUNCTION tell_effect();
"""


class Listener:
    """Notes when each effect was committed, by the event's number."""

    def __init__(self, url: str) -> None:
        self.seen: dict[str, float] = {}
        self.connection = psycopg2.connect(url)
        self.connection.autocommit = True
        self.connection.cursor().execute("LISTEN bench_effect")
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self) -> None:
        while not self.over.is_set():
            select.select([self.connection], [], [], 0.2)
            self.connection.poll()
            now = time.perf_counter()
            for told in self.connection.notifies:
                self.seen[told.payload] = now
            self.connection.notifies.clear()

    def close(self) -> None:
        self.over.set()
        self.thread.join()
        self.connection.close()


def steadily(count: int, send: Callable[[str], None]) -> dict[str, float]:
    """Call *send* with a number 100 times a second. Returns when each was called."""
    sent = {}
    started = time.perf_counter()
    for i in range(count):
        left = started + i / RATE_PER_S - time.perf_counter()
        if left > 0:
            time.sleep(left)
        number = f"t{i}"
        sent[number] = time.perf_counter()
        send(number)
    return sent


def latencies_ms(setting: Setting, count: int, send: Callable[[str], None]) -> list[float]:
    """Sorted; without those of the first two seconds."""
    consumer = setting.database("billing")
    consumer.change(TRIGGER)
    listener = Listener(consumer.url)
    try:
        sent = steadily(count, send)
        until = time.monotonic() + 30
        while len(listener.seen) < count and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        listener.close()
    if len(listener.seen) != count:
        raise AssertionError(f"{len(listener.seen)} of {count} effects")
    counted = list(sent)[int(WARM_UP_S * RATE_PER_S) :]
    return sorted((listener.seen[number] - sent[number]) * 1000 for number in counted)


def of_subject(setting: Setting, count: int) -> list[float]:
    with subject(setting, 100):
        engine = setting.database("orders").engine(1)
        with database.connection(engine) as held:

            def send(number: str) -> None:
                uow = UnitOfWork(held, Cause("bench", "bench"), SystemClock().wall())
                uow.publish(probe.event(number, new_id()))
                statements, parameters = unit_of_work.closing([uow])
                # As commands.py does it: what is stated travels with the COMMIT.
                held.exec_driver_sql(f"BEGIN; {statements} COMMIT; NOTIFY yiqi_outbox", tuple(parameters))

            found = latencies_ms(setting, count, send)
        engine.dispose()
        return found


def of_control(setting: Setting, count: int) -> list[float]:
    with control(setting):
        connection = broker.connect(setting.broker_url, "bench")
        publisher = broker.ConfirmedPublisher(connection)
        exchange = f"{SOURCE}.events"

        def send(number: str) -> None:
            message: Any = control_message(number, new_id())
            publisher.publish(message, exchange, EVENT)
            publisher.drain(10)

        found = latencies_ms(setting, count, send)
        broker.close(connection)
        return found


def run(setting: Setting, progress: Callable[[str], None]) -> list[Figure]:
    count = setting.sized(1_500, 500)
    p50 = Figure("events_latency_p50_ms", "ms", CONTROL)
    p99 = Figure("events_latency_p99_ms", "ms", CONTROL, bar=Bar(value_max=150))
    for number, order in setting.alternating():
        found = {side: (of_control if side == "control" else of_subject)(setting, count) for side in order}
        for figure, percent in ((p50, 50), (p99, 99)):
            figure.add(percentile(found["subject"], percent), percentile(found["control"], percent))
        progress(
            f"latency {number + 1}: p50 {p50.values[-1]:.1f} ms, p99 {p99.values[-1]:.1f} ms;"
            f" control {p50.control_values[-1]:.1f} and {p99.control_values[-1]:.1f} ms"
        )
    return [p50, p99]
