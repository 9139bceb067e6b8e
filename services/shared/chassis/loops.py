"""Keeping the parts of a `work` process alive: each in its thread, restarted with growing delay."""

import threading
from collections.abc import Callable

from services.shared.chassis import metrics
from services.shared.chassis.logs import logger

log = logger("loops")

Stop = threading.Event

BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 10.0
STABLE_AFTER_S = 20.0
"""A run that lasted so long starts the next one without delay memory."""


def keep_running(
    name: str, run: Callable[[Stop], None], stop: Stop, monotonic: Callable[[], float]
) -> threading.Thread:
    """
    Start a thread that calls *run* until *stop* is set, and again whenever it raises.

    Half a second after the first failure, then twice as long each time up to 10 s. SystemExit counts as a failure:
    only the main thread may end the process, and any other would end without a word.
    """

    def loop() -> None:
        delay_s = BACKOFF_FIRST_S
        while not stop.is_set():
            started = monotonic()
            try:
                run(stop)
            except BaseException as error:
                metrics.LOOP_FAILURES.labels(name).inc()
                if monotonic() - started > STABLE_AFTER_S:
                    delay_s = BACKOFF_FIRST_S
                log.warning("loop failed", loop=name, error=f"{type(error).__name__}: {error}".strip(),
                            again_in_s=delay_s, exc_info=delay_s >= BACKOFF_MAX_S)  # fmt: skip
                stop.wait(delay_s)
                delay_s = min(delay_s * 2, BACKOFF_MAX_S)

    thread = threading.Thread(target=loop, name=name, daemon=True)
    thread.start()
    return thread
