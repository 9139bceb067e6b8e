"""
`work`: relay, receiver, handlers, outside calls and timers of the hosted services, each in a thread.

Plain Python without eventlet: it does blocking things. On a small machine one process does all of it
for all services; under load `--only` splits the parts over processes. Of relay and receiver one is
active per service wherever they run; of the others any number.
"""

import os
import signal
import threading
from collections.abc import Sequence

from prometheus_client import REGISTRY
from sqlalchemy import Engine

from services.shared.chassis import database, health, logs, telemetry
from services.shared.chassis.backlog import Backlog
from services.shared.chassis.clock import SystemClock
from services.shared.chassis.definition import Definition
from services.shared.chassis.handlers import Handlers
from services.shared.chassis.loops import keep_running
from services.shared.chassis.outside_calls import OutsideCaller
from services.shared.chassis.receiver import Receiver
from services.shared.chassis.relay import Relay
from services.shared.chassis.settings import ProcessSettings, ServiceSettings, SourceSettings, load
from services.shared.chassis.timers import Timers

PARTS = ("relay", "receiver", "handlers", "outside", "timers")
OUTSIDE_LANES = 2
"""Outside calls of one service made at the same time: one that hangs does not stop the others."""
EXIT_GRACE_OVER = 75

log = logs.logger("work")


def start(definition: Definition, settings: SourceSettings, stop: threading.Event,
          parts: Sequence[str] = PARTS) -> tuple[list[threading.Thread], Engine]:  # fmt: skip
    """Start the wanted *parts* of one service. They end soon after *stop* is set."""
    clock = SystemClock()
    work = definition.load_work(settings)
    source = database.engine(
        settings.database_url, name=f"work {definition.name}", pool_size=len(PARTS) + OUTSIDE_LANES
    )
    name = definition.name
    threads = []
    if "relay" in parts:
        relay = Relay(name, source, str(settings.relay_broker_url), clock)
        threads.append(keep_running(f"{name} relay", relay.run, stop, clock.monotonic))
    if isinstance(settings, ServiceSettings) and work.subscriptions and "receiver" in parts:
        handled = frozenset(subscription.event.wire_name for subscription in work.subscriptions)
        receiver = Receiver(name, source, str(settings.broker_url), clock, work.sources(), handled)
        threads.append(keep_running(f"{name} receiver", receiver.run, stop, clock.monotonic))
    if isinstance(settings, ServiceSettings) and work.subscriptions and "handlers" in parts:
        handlers = Handlers(name, source, clock, definition.unit_of_work, work.subscriptions, settings.handler_batch)
        threads.append(keep_running(f"{name} handlers", handlers.run, stop, clock.monotonic))
    if work.outside_calls and "outside" in parts:
        for lane in range(OUTSIDE_LANES):
            caller = OutsideCaller(name, source, clock, definition.unit_of_work, work.outside_calls)
            threads.append(keep_running(f"{name} outside {lane + 1}", caller.run, stop, clock.monotonic))
    if work.timers and "timers" in parts:
        timers = Timers(name, source, clock, definition.unit_of_work, work.timers)
        threads.append(keep_running(f"{name} timers", timers.run, stop, clock.monotonic))
    return threads, source


def run(definitions: Sequence[Definition], parts: Sequence[str]) -> int:
    """Work until told to stop. Returns the exit code."""
    (process,) = load(ProcessSettings)
    logs.configure("work", process.log_level, process.log_format)
    telemetry.configure("work", process.otlp_endpoint)
    os.nice(process.work_nice)
    settings = load(*(definition.settings for definition in definitions))
    stop = threading.Event()

    def ask_to_stop(_signum: int, _frame: object) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    threads: list[threading.Thread] = []
    checks: dict[str, health.Check] = {}
    engines: dict[str, Engine] = {}
    for definition, own in zip(definitions, settings, strict=True):
        started, source = start(definition, own, stop, parts)
        threads += started
        checks[definition.name] = _check(source)
        engines[definition.name] = source
    if process.work_port is not None:
        REGISTRY.register(Backlog(engines))
        health.serve(process.health_host, process.work_port, checks)
    log.info("working", services=[definition.name for definition in definitions], parts=list(parts))
    while not stop.is_set():
        stop.wait(1.0)  # with a bound, so that signals are seen
    timer = threading.Timer(process.grace_s, os._exit, [EXIT_GRACE_OVER])
    timer.daemon = True
    timer.start()
    for thread in threads:
        thread.join()
    log.info("stopped")
    return 0


def _check(source: Engine) -> health.Check:
    def ask() -> str | None:
        with database.connection(source) as held:
            held.exec_driver_sql("SELECT 1")
        return None

    return ask
