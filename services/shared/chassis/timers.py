"""
What is due at a business time: a row says so, a use case does it, in the transaction that takes the row away.

The sweep runs in `work` beside the handlers, once a second: a timer needs the same guarantees as an
event, and nothing of a Nameko container.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, Engine

from services.shared.chassis import clock as clocks
from services.shared.chassis import database, logs, metrics, telemetry
from services.shared.chassis.clock import Clock
from services.shared.chassis.loops import Stop
from services.shared.chassis.unit_of_work import UnitOfWork, cause_of, closing
from services.shared.kernel.errors import Refused

log = logs.logger("timers")

SWEEP_S = 0.5
RETRY_S_MAX = 600.0

CLAIM = """
BEGIN;
SELECT t.id::text, t.kind, t.subject, t.attempts, t.headers, c.offset_s
FROM timer t, clock c
WHERE t.due_at <= %s::timestamptz + make_interval(secs => c.offset_s) AND t.kind = ANY(%s)
ORDER BY t.due_at LIMIT 1 FOR UPDATE OF t SKIP LOCKED
"""


class Timers:
    """The timers of one service. Each `run` lasts to the first failure of the database."""

    def __init__(self, service: str, engine: Engine, clock: Clock, unit_of_work: type[UnitOfWork],
                 use_cases: Mapping[str, Callable[..., object]]) -> None:  # fmt: skip
        self.service = service
        self.engine = engine
        self.clock = clock
        self.unit_of_work = unit_of_work
        self.use_cases = use_cases

    def run(self, stop: Stop) -> None:
        """Work until *stop* is set. Raises what failed."""
        if not self.use_cases:
            stop.wait()
            return
        with database.connection(self.engine) as held:
            while not stop.is_set():
                if not self.run_once(held):
                    stop.wait(SWEEP_S)

    def run_once(self, held: Connection) -> bool:
        """Run one timer that is due. Returns whether there was one."""
        cursor = database.driver(held).cursor()
        wall = self.clock.wall()
        cursor.execute(CLAIM, (wall, list(self.use_cases)))
        row = cursor.fetchone()
        if row is None:
            cursor.execute("ROLLBACK")
            return False
        timer_id, kind, subject, attempts, headers, offset_s = row
        now = clocks.business(wall, offset_s)
        cause = cause_of(headers, f"timer/{kind}/{subject}")
        # Taken away first, so that the use case may set the same timer again.
        cursor.execute("DELETE FROM timer WHERE id = %s; SAVEPOINT one", (timer_id,))
        outcome = "done"
        with (
            logs.about(correlation_id=cause.correlation_id, timer=kind),
            telemetry.span(f"timer {kind}", cause.traceparent, service=self.service) as traceparent,
        ):
            uow = self.unit_of_work(connection=held, cause=cause.within(traceparent), now=now)
            try:
                self.use_cases[kind](subject, uow=uow, now=now)
            except Refused as error:
                # What the timer was for has happened otherwise, or can no longer happen.
                cursor.execute("ROLLBACK TO SAVEPOINT one")
                uow.outbox.clear()
                uow.asked.clear()
                outcome = "refused"
                log.info("timer refused", subject=subject, code=error.code)
            except BaseException as error:  # SystemExit too: it would end this thread and all timers without a word
                if database.is_disconnect(error):
                    raise
                cursor.execute("ROLLBACK")
                telemetry.note(failed=True)
                self._postpone(cursor, timer_id, kind, subject, attempts, now, error)
                return True
        statements, parameters = closing([uow])
        wake = "; NOTIFY yiqi_outbox" if statements else ""
        cursor.execute(f"{statements} COMMIT{wake}", parameters)
        metrics.TIMERS.labels(self.service, kind, outcome).inc()
        return True

    def _postpone(self, cursor: Any, timer_id: str, kind: str, subject: str, attempts: int, now: Any,
                  error: BaseException) -> None:  # fmt: skip
        delay_s = min(2.0 ** min(attempts, 12), RETRY_S_MAX) * random.uniform(0.75, 1.25)  # noqa: S311
        log.error("timer failed", kind=kind, subject=subject, again_in_s=round(delay_s, 1), exc_info=error)
        cursor.execute(
            "UPDATE timer SET attempts = attempts + 1, due_at = %s WHERE id = %s",
            (clocks.business(now, delay_s), timer_id),
        )
        metrics.TIMERS.labels(self.service, kind, "failed").inc()
