"""
`serve`: Nameko containers, one per hosted service, in this process.

Imported only after eventlet has patched the standard library (chassis/__main__.py does it first).
"""

import os
import signal
import threading
from collections.abc import Sequence
from typing import Any

import eventlet
from nameko.containers import ServiceContainer

from services.shared.chassis import database, health, logs, telemetry
from services.shared.chassis.clock import SystemClock
from services.shared.chassis.commands import Host
from services.shared.chassis.definition import Definition, named
from services.shared.chassis.settings import ProcessSettings, ServiceSettings, SourceSettings, load

EXIT_GRACE_OVER = 75

log = logs.logger("serve")


def container(definition: Definition, settings: SourceSettings) -> ServiceContainer:
    """The Nameko container of one service, not yet started."""
    if not isinstance(settings, ServiceSettings) or definition.entrypoints is None:
        raise TypeError(f"{definition.name} serves nothing by RPC")
    source = database.engine(settings.database_url, name=f"serve {definition.name}", pool_size=settings.max_workers)
    host = Host(definition.name, source, SystemClock(), definition.unit_of_work)
    config: dict[str, Any] = {
        "AMQP_URI": str(settings.broker_url),
        "rpc_exchange": "nameko-rpc",
        "max_workers": settings.max_workers,
        "parent_calls_tracked": 1,
        "yiqi_host": host,
    }
    return ServiceContainer(named(definition.entrypoints), config)


def run(definitions: Sequence[Definition]) -> int:
    """Serve until told to stop. Returns the exit code."""
    (process,) = load(ProcessSettings)
    logs.configure("serve", process.log_level, process.log_format)
    telemetry.configure("serve", process.otlp_endpoint)
    served = [definition for definition in definitions if definition.entrypoints is not None]
    settings = load(*(definition.settings for definition in served))
    containers = [container(definition, own) for definition, own in zip(served, settings, strict=True)]

    stopping = eventlet.event.Event()
    asked = False

    def ask_to_stop(_signum: int, _frame: object) -> None:
        # A second SIGTERM while containers stop would hang them for ever: only the first one counts.
        nonlocal asked
        if not asked:
            asked = True
            eventlet.spawn_after(0, stopping.send, None)

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    for each in containers:
        each.start()
    if process.serve_port is not None:
        health.serve(
            process.health_host,
            process.serve_port,
            {each.service_name: _check(each.config["yiqi_host"]) for each in containers},
        )
    log.info("serving", services=[each.service_name for each in containers])
    watchers = [eventlet.spawn(_watch, each, stopping) for each in containers]
    died = stopping.wait()
    _arm_grace(process.grace_s)
    # Beside each other: one takes a second and a half, and each answers nobody meanwhile.
    for stopped in [eventlet.spawn(each.stop) for each in containers]:
        stopped.wait()
    for watcher in watchers:
        watcher.kill()
    log.info("stopped")
    return 0 if died is None else 1


def _check(host: Host) -> health.Check:
    def ask() -> str | None:
        with database.connection(host.engine) as held:
            held.exec_driver_sql("SELECT 1")
        return None

    return ask


def _watch(each: ServiceContainer, stopping: Any) -> None:
    """A container that dies takes the process along: its supervisor starts all of them anew."""
    try:
        each.wait()
    except Exception as error:
        log.exception("container died", service=each.service_name, exc_info=error)
        if not stopping.ready():
            stopping.send(each.service_name)


def _arm_grace(grace_s: float) -> None:
    timer = threading.Timer(grace_s, os._exit, [EXIT_GRACE_OVER])
    timer.daemon = True
    timer.start()
