"""
Durable events: what is committed at a source takes effect at a consumer, once, in order.

The subject is the probe in two `work` processes, as in production on one machine. The clock runs
from "go" to the moment when the last effect can be read, with every process up and idle before:

- subject: "go" is the COMMIT of the backlog in the source's outbox, so relay, broker, receiver and
  handlers are all within the measure;
- control: the backlog lies in the broker already while the consumer is held (SIGSTOP), and "go" lets
  it run. What its sender had to do is left out, in its favour.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from subprocess import Popen
from typing import Any
from uuid import UUID

import amqp
import psycopg2
from psycopg2 import errors

from services.shared.chassis import broker, database, unit_of_work
from services.shared.chassis.clock import SystemClock
from services.shared.chassis.unit_of_work import Cause, UnitOfWork
from services.shared.kernel.ids import new_id
from tests.bench.control import EFFECT_TABLE, EVENT, QUEUE, SOURCE
from tests.bench.figures import Bar, Figure
from tests.bench.processes import cpu_by_name, peak_mib, pids_of, used_ms
from tests.bench.setting import FOLDER, Child, Setting, end
from tests.kit import probe
from tests.kit.waiting import wait_until

POLL_S = 0.02
DRAIN_TIMEOUT_S = 600
CONTROL = "stock Nameko handler"
SERVERS = ("postgres", "rabbitmq")


@dataclass
class Drained:
    """
    One backlog.

    Attributes:
        cpu_ms: CPU time per event of each that worked on it: our processes, PostgreSQL and RabbitMQ.
        peak_mib: Per process of ours.
    """

    events_per_s: float
    cpu_ms: dict[str, float]
    peak_mib: dict[str, float]


class Effects:
    """The effects as somebody else sees them, who asks every 20 ms."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg2.connect(url)
        self.connection.autocommit = True

    def one(self, statement: str) -> int:
        with self.connection.cursor() as cursor:
            try:
                cursor.execute(statement)
            except errors.UndefinedTable:
                return 0
            row = cursor.fetchone()
        return int(row[0] or 0) if row else 0

    def count(self) -> int:
        return self.one("SELECT count(*) FROM effect")

    def last_id(self) -> int:
        return self.one("SELECT max(id) FROM effect")

    def wait_for(self, count: int) -> None:
        """Until *count* effects are there. The highest id is asked for, since counting all of them costs them time."""
        wait_until(lambda: self.last_id() >= count and self.count() >= count, DRAIN_TIMEOUT_S, POLL_S)

    def close(self) -> None:
        self.connection.close()


@contextmanager
def watching(setting: Setting) -> Iterator[Effects]:
    made = Effects(setting.database("billing").url)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def subject(setting: Setting, batch: int) -> Iterator[dict[str, Popen[bytes]]]:
    """The probe's two processes on empty databases and queues, up and idle: one event has gone all the way."""
    source, consumer = setting.database("orders"), setting.database("billing")
    probe.prepare(source, consumer)
    for queue in ("billing.inbox", "billing.parked", "orders.repair", "events.unrouted"):
        setting.broker.purge(queue)
    running = {
        "source": probe.start("orders", YIQI_LOG_LEVEL="warning"),
        "consumer": probe.start("billing", YIQI_LOG_LEVEL="warning", YIQI_BILLING_HANDLER_BATCH=str(batch)),
    }
    try:
        probe.publish(source, ["warm"])
        with watching(setting) as effects:
            wait_until(lambda: effects.count() == 1, 60)
        yield running
    finally:
        for process in running.values():
            end(process)


@contextmanager
def control(setting: Setting) -> Iterator[Child]:
    """Nameko's consumer on an empty table and queue, up and idle."""
    consumer = setting.database("billing")
    consumer.change(EFFECT_TABLE)
    variables = {"BENCH_BROKER_URL": setting.broker_url, "BENCH_DATABASE_URL": consumer.url}
    with Child("tests.bench.control", "events", **variables) as running, watching(setting) as effects:
        wait_until(lambda: _is_declared(setting), 60)
        publish_to_control(setting, ["warm"], None)
        wait_until(lambda: effects.count() == 1, 60)
        yield running


def _is_declared(setting: Setting) -> bool:
    connection = broker.connect(setting.broker_url, "bench")
    try:
        connection.channel().queue_declare(QUEUE, passive=True)
    except amqp.exceptions.NotFound:
        return False
    else:
        return True
    finally:
        broker.close(connection)


def control_message(number: str, order_id: UUID) -> Any:
    """As Nameko's `EventDispatcher` sends it: JSON, durable, with its call stack in a header."""
    return amqp.Message(
        _control_body(number, order_id),
        content_type="application/json",
        content_encoding="utf-8",
        delivery_mode=2,
        priority=0,
        application_headers={"nameko.call_id_stack": ["bench.publisher.1"]},
    )


def _control_body(number: str, order_id: UUID) -> str:
    # The same facts as the subject's event, and an id to tell it by.
    told = probe.event(number, order_id).model_dump_json()
    return f'{{"event_id":"{new_id()}",{told[1:]}'


def publish_to_control(setting: Setting, numbers: list[str], order_ids: list[UUID] | None) -> None:
    connection = broker.connect(setting.broker_url, "bench")
    publisher = broker.ConfirmedPublisher(connection)
    used = order_ids or [new_id() for _ in numbers]
    exchange = f"{SOURCE}.events"
    for start in range(0, len(numbers), 200):
        for number, order_id in zip(numbers[start : start + 200], used[start : start + 200], strict=True):
            publisher.publish(control_message(number, order_id), exchange, EVENT)
        publisher.drain(30)
    broker.close(connection)


def commit_backlog(setting: Setting, count: int, streams: int) -> float:
    """State *count* events over *streams* orders in one transaction. Returns when its COMMIT was sent."""
    engine = setting.database("orders").engine(1)
    order_ids = [new_id() for _ in range(streams)]
    with database.connection(engine) as held:
        held.exec_driver_sql("BEGIN")
        for start in range(0, count, 1000):
            uow = UnitOfWork(held, Cause("bench", "bench"), SystemClock().wall())
            for i in range(start, min(start + 1000, count)):
                uow.publish(probe.event(f"n{i}", order_ids[i % streams]))
            statements, parameters = unit_of_work.closing([uow])
            held.exec_driver_sql(statements, tuple(parameters))
        go = time.perf_counter()
        held.exec_driver_sql("COMMIT; NOTIFY yiqi_outbox")
    engine.dispose()
    return go


def drain_subject(setting: Setting, count: int, streams: int, batch: int = 100) -> Drained:
    with subject(setting, batch) as running, watching(setting) as effects:
        pids = {name: process.pid for name, process in running.items()} | pids_of(FOLDER, *SERVERS)
        go = commit_backlog(setting, count, streams)
        before = cpu_by_name(pids)
        effects.wait_for(count + 1)
        taken_s, after = time.perf_counter() - go, cpu_by_name(pids)
        _check(effects, count)
        return Drained(
            count / taken_s,
            used_ms(before, after, count),
            {name: peak_mib(process.pid) for name, process in running.items()},
        )


def drain_control(setting: Setting, count: int, streams: int) -> Drained:
    with control(setting) as running, watching(setting) as effects:
        running.process.send_signal(signal.SIGSTOP)
        order_ids = [new_id() for _ in range(streams)]
        publish_to_control(setting, [f"n{i}" for i in range(count)], [order_ids[i % streams] for i in range(count)])
        pids = {"control": running.pid} | pids_of(FOLDER, *SERVERS)
        before = cpu_by_name(pids)
        go = time.perf_counter()
        running.process.send_signal(signal.SIGCONT)
        effects.wait_for(count + 1)
        taken_s, after = time.perf_counter() - go, cpu_by_name(pids)
        _check(effects, count)
        return Drained(count / taken_s, used_ms(before, after, count), {"control": peak_mib(running.pid)})


def _check(effects: Effects, count: int) -> None:
    found = effects.one("SELECT count(DISTINCT event_id) FROM effect")
    if found != count + 1 or effects.count() != count + 1:
        raise AssertionError(f"{found} of {count + 1} effects")


def run(setting: Setting, progress: Callable[[str], None]) -> list[Figure]:
    """Drain rates. One control a round serves all three ways in which the subject is measured in that round."""
    count, streams = setting.sized(50_000, 3_000), setting.sized(10_000, 600)
    single_count = setting.sized(10_000, 1_000)
    backlog = Figure("events_backlog_per_s", "1/s", CONTROL, bar=Bar(ratio_min=1.2))
    few = Figure("events_backlog_10_streams_per_s", "1/s", CONTROL, bar=Bar(ratio_min=1.2))
    single = Figure("events_backlog_single_per_s", "1/s", CONTROL, bar=Bar(ratio_min=0.5))
    cpu = Figure("events_cpu_ms_per_event", "ms", CONTROL)
    peaks = {name: Figure(f"peak_events_{name}_mib", "MiB", f"{CONTROL}'s process") for name in ("source", "consumer")}
    for number, order in setting.alternating():
        found: dict[str, Drained] = {}
        for side in order:
            if side == "control":
                found["control"] = drain_control(setting, count, streams)
            else:
                found["batched"] = drain_subject(setting, count, streams)
                found["few"] = drain_subject(setting, count, 10)
                found["single"] = drain_subject(setting, single_count, max(1, single_count // 5), batch=1)
        base = found["control"].events_per_s
        for figure, side in ((backlog, "batched"), (few, "few"), (single, "single")):
            figure.add(found[side].events_per_s, base)
        cpu.add(sum(found["batched"].cpu_ms.values()), sum(found["control"].cpu_ms.values()))
        cpu.add_parts(found["batched"].cpu_ms)
        for name, figure in peaks.items():
            figure.add(found["batched"].peak_mib[name], found["control"].peak_mib["control"])
        progress(
            f"events {number + 1}: "
            + ", ".join(
                f"{side} {each.events_per_s:,.0f}/s ({sum(each.cpu_ms.values()):.2f} ms CPU)"
                for side, each in found.items()
            )
        )
    return [backlog, few, single, cpu, *peaks.values()]
