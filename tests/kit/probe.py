"""
A tiny source and a tiny consumer on the real chassis, for tests of the guarantees themselves.

They borrow the databases and broker users of orders (source) and billing (consumer) and the events
that orders may state, but none of the two services' code: what is tested is the chassis.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic_settings import SettingsConfigDict

from services.shared.chassis import database, schema, unit_of_work
from services.shared.chassis.clock import SystemClock
from services.shared.chassis.definition import Definition, OutsideCall, Work, on
from services.shared.chassis.settings import ServiceSettings, SourceSettings
from services.shared.chassis.unit_of_work import Cause, UnitOfWork
from services.shared.kernel.errors import Conflict, NotYet, Unavailable
from services.shared.kernel.ids import new_id
from services.shared.messages.base import Event
from services.shared.messages.orders.order import OrderClosed, OrderInProgress
from tests.kit.platform import ROOT, ServiceDatabase, empty


class OrdersProbeSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="YIQI_ORDERS_", frozen=True)


class BillingProbeSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="YIQI_BILLING_", frozen=True)


class Interrupted(BaseException):
    """What a library raises that `except Exception` is not meant to catch, as `eventlet.Timeout` is."""


def take(event: OrderInProgress, *, uow: UnitOfWork, now: datetime) -> None:
    """The effect: one row, and one event of the consumer's own. What the number says may go wrong, does."""
    del now
    if event.number.startswith("exit"):
        raise SystemExit("on purpose")
    if event.number.startswith("interrupt"):
        raise Interrupted("on purpose")
    if event.number.startswith("sqlstate"):
        _fail_twice_in_the_database(uow, event.number.split("-")[1])
    if event.number.startswith("two locks"):
        # In this order; a test that takes them in the other one makes a deadlock.
        uow.connection.exec_driver_sql("SELECT pg_advisory_xact_lock(1)")
        uow.connection.exec_driver_sql("SELECT pg_advisory_xact_lock(2)")
    if event.number.startswith("bug"):
        _once_unless_mended(uow, event.number)
    if event.number.startswith("refuse"):
        raise Conflict("refused on purpose")
    if event.number.startswith("later"):
        _fail_twice(uow, event.number, Unavailable("the world"))
    if event.number.startswith("notyet"):
        _fail_twice(uow, event.number, NotYet("not yet"))
    uow.connection.exec_driver_sql(
        "INSERT INTO effect (event_id, stream, number) VALUES (%s, %s, %s)",
        (uow.cause.causation_id, event.stream, event.number),
    )


def _once_unless_mended(uow: UnitOfWork, number: str) -> None:
    if uow.connection.exec_driver_sql("SELECT mended FROM fault").scalar_one():
        return
    raise RuntimeError(f"a bug for {number}")


def _fail_twice_in_the_database(uow: UnitOfWork, sqlstate: str) -> None:
    if _attempts(uow) < 2:
        uow.connection.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '{sqlstate}'; END $$")


def _fail_twice(uow: UnitOfWork, number: str, error: Exception) -> None:
    if _attempts(uow) < 2:
        raise error


def _attempts(uow: UnitOfWork) -> int:
    # Counted outside of the transaction, which is rolled back: by the inbox's own attempts.
    found: int = uow.connection.exec_driver_sql(
        "SELECT attempts FROM inbox WHERE event_id = %s", (uow.cause.causation_id,)
    ).scalar_one()
    return found


def ring(subject: str, *, uow: UnitOfWork, now: datetime) -> None:
    """Timer `ring`: the effect of having been due, or what its subject says instead."""
    del now
    if subject.startswith("exit"):
        raise SystemExit("on purpose")
    uow.connection.exec_driver_sql("INSERT INTO effect (stream, number) VALUES ('timer', %s)", (subject,))


def reach_out(payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Outside call `reach_out`: answers what it was given, or does what that says instead."""
    del key
    if payload["how"] == "exit":
        raise SystemExit("on purpose")
    return payload


def set_timer(consumer: ServiceDatabase, subject: str, due_at: datetime) -> None:
    """Have the consumer's timer `ring` for *subject* at *due_at*, business time."""
    _ask(consumer, lambda uow: uow.set_timer("ring", subject, due_at))


def call_outside(consumer: ServiceDatabase, how: str) -> None:
    """Have the consumer make the outside call `reach_out`."""
    _ask(consumer, lambda uow: uow.call_outside("reach_out", how, {"how": how}))


def _ask(consumer: ServiceDatabase, what: Callable[[UnitOfWork], None]) -> None:
    engine = consumer.engine(1)
    with database.transaction(engine, SystemClock()) as (held, now):
        uow = UnitOfWork(held, Cause("test", "test"), now)
        what(uow)
        statements, parameters = unit_of_work.closing([uow])
        held.exec_driver_sql(statements, tuple(parameters))
    engine.dispose()


def work(settings: SourceSettings) -> Work:
    del settings
    return Work(subscriptions=(on(OrderInProgress, take),))


def all_work(settings: SourceSettings) -> Work:
    return replace(work(settings), timers={"ring": ring}, outside_calls=(OutsideCall("reach_out", reach_out),))


def no_work(settings: SourceSettings) -> Work:
    del settings
    return Work()


SOURCE = Definition("orders", OrdersProbeSettings, UnitOfWork, Path(), work="tests.kit.probe:no_work")
CONSUMER = Definition("billing", BillingProbeSettings, UnitOfWork, Path(), work="tests.kit.probe:work")
WHOLE_CONSUMER = replace(CONSUMER, work="tests.kit.probe:all_work")
"""With timers and outside calls; apart, because what is measured should have no thread that it does not need."""

EFFECTS = """
CREATE TABLE effect (id bigserial PRIMARY KEY, event_id uuid UNIQUE, stream text NOT NULL, number text NOT NULL);
CREATE TABLE fault (mended boolean NOT NULL);
INSERT INTO fault VALUES (false);
"""


def prepare(source: ServiceDatabase, consumer: ServiceDatabase) -> None:
    """Both databases empty, with the chassis's tables and the effect's."""
    for target, more in ((source, ""), (consumer, EFFECTS)):
        empty(target)
        target.change(
            f"SELECT set_config('yiqi.run_time_role', '{target.name}', false); {schema.V1} {schema.V2}"
            f" {schema.only_append('event_log')} {more}"
        )


def publish(source: ServiceDatabase, numbers: Sequence[str], order_ids: Sequence[UUID] | None = None) -> list[UUID]:
    """State one OrderInProgress per number, each in a transaction of its own. Returns the orders' ids."""
    used = list(order_ids) if order_ids is not None else [new_id() for _ in numbers]
    _publish_all(source, [event(number, order_id) for number, order_id in zip(numbers, used, strict=True)])
    return used


def publish_event(source: ServiceDatabase, told: Event) -> None:
    """State one event of any kind."""
    _publish_all(source, [told])


def _publish_all(source: ServiceDatabase, several: Sequence[Event]) -> None:
    engine = source.engine(1)
    for told in several:
        with database.transaction(engine, SystemClock()) as (held, now):
            uow = UnitOfWork(held, Cause("test", "test"), now)
            uow.publish(told)
            statements, parameters = unit_of_work.closing([uow])
            held.exec_driver_sql(statements, tuple(parameters))
    with database.connection(engine) as held:
        held.exec_driver_sql("NOTIFY yiqi_outbox")
    engine.dispose()


def event(number: str, order_id: UUID) -> OrderInProgress:
    return OrderInProgress(order_id=order_id, number=number, customer_id=new_id(), provider_id=new_id())


def unhandled(order_id: UUID) -> OrderClosed:
    """An event that the consumer knows and does not handle."""
    return OrderClosed(order_id=order_id, number="closed", customer_id=new_id(), provider_id=new_id())


def start(name: str, parts: str = "", **environment: str) -> subprocess.Popen[bytes]:
    """`work` of the probe *name* ("orders" or "billing") as a process of its own."""
    return _process("tests.kit.probe", name, parts, **environment)


def serve(**environment: str) -> subprocess.Popen[bytes]:
    """`serve` of `tests/kit/probe_service`, in billing's place."""
    return _process("tests.kit.probe_service", "serve", **environment)


def _process(module: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    # Without the ports of health: several of these run at once.
    ports = {"YIQI_WORK_PORT", "YIQI_SERVE_PORT"}
    inherited = {variable: value for variable, value in os.environ.items() if variable not in ports}
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**inherited, **environment},
        stderr=subprocess.DEVNULL,
    )


def main(arguments: Sequence[str]) -> int:
    from services.shared.chassis import work as hosting

    definition = {"orders": SOURCE, "billing": CONSUMER}[arguments[0]]
    # Minutes where it counts, and no test waits for minutes.
    idle_ms = os.environ.get("PROBE_IDLE_IN_TRANSACTION_MS", database.IDLE_IN_TRANSACTION_MS)
    database.IDLE_IN_TRANSACTION_MS = int(idle_ms)
    parts = arguments[1].split(",") if len(arguments) > 1 and arguments[1] else hosting.PARTS
    return hosting.run([definition], parts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
