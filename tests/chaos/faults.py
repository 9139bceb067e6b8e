"""What goes wrong while journeys are under way: every process dies in turn, the broker and the database restart."""

import itertools
import os
import random
import signal
import threading
import time
from collections.abc import Callable

from infra.demo.platform import Platform
from infra.local.progress import say
from tests.kit.platform import local

REST_S = 4.0
"""Between two faults, so that something is under way again when the next one strikes."""


class Faults:
    """Strikes in a thread of its own until `stop`; counts what it did."""

    def __init__(self, platform: Platform, seed: int) -> None:
        self.platform = platform
        self.random = random.Random(seed)
        self.struck: list[str] = []
        self.failed: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._strike, name="faults", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Let the fault that is under way end, then no more."""
        self._stop.set()
        self._thread.join(180)

    def _strike(self) -> None:
        deeds: list[tuple[str, Callable[[], None]]] = [
            ("kill -9 serve", lambda: self._kill("serve")),
            ("kill -9 work", lambda: self._kill("work")),
            ("kill -9 gateway", lambda: self._kill("gateway")),
            ("restart of the broker", self._restart_broker),
            ("immediate stop of PostgreSQL", self._stop_database),
            ("kill -9 of the object store", lambda: self._kill("object-store")),
            ("kill -9 of serve and work at once", self._kill_both),
        ]
        for what, deed in itertools.cycle(deeds):
            if self._stop.wait(REST_S * self.random.uniform(0.5, 1.5)):
                return
            started = time.monotonic()
            try:
                deed()
            except Exception as error:  # noqa: BLE001 - whatever it is, the run must end and say so
                self.failed.append(f"{what}: {type(error).__name__}: {error}")
                say(f"    FAULT FAILED {self.failed[-1]}")
                return
            self.struck.append(what)
            say(f"    fault {len(self.struck)}: {what}; back after {time.monotonic() - started:.1f} s")

    def _kill(self, program: str) -> None:
        self.platform.kill(program)
        self.platform.wait_for([program], 90)

    def _kill_both(self) -> None:
        for program in ("serve", "work"):
            self.platform.kill(program)
        self.platform.wait_for(["serve", "work"], 90)

    def _restart_broker(self) -> None:
        local("restart", "rabbitmq", "--dir", str(self.platform.directory))
        self.platform.wait_for(["rabbitmq"], 120)

    def _stop_database(self) -> None:
        # What pg_ctl stop -m immediate sends: no checkpoint, no goodbye; the start after it recovers.
        os.kill(self.platform.pid_of("postgres"), signal.SIGQUIT)
        self.platform.wait_for(["postgres"], 120)
