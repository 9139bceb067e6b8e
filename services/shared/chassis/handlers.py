"""
Acting on what was received: from the inbox table, each stream in order, streams beside each other.

A batch of events shares one transaction, each in its savepoint, together with whatever they append
to the outbox and the mark that they are done: an event takes effect once, however often it came.
Several processes may run handlers of one service beside each other.

What becomes of an event that fails:

    Refused                    done, the outcome recorded; it will never be otherwise
    Unavailable, SQLSTATE 08,  again after min(2^n, 600) s with jitter, for ever; its stream waits
      40, 53, 57
    NotYet                     likewise, sooner; an alarm after five minutes
    anything else              a bug: parked at once with its traceback; its stream waits, unless every
                               handler of it says that later events may pass; SystemExit and the like too:
                               in a thread they would end it without a word, and with it all handling
"""

import random
import traceback
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import structlog
from psycopg2.extras import execute_values
from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection, Engine

from services.shared.chassis import clock as clocks
from services.shared.chassis import database, failpoint, metrics, telemetry
from services.shared.chassis.clock import Clock
from services.shared.chassis.definition import Subscription
from services.shared.chassis.logs import logger
from services.shared.chassis.loops import Stop
from services.shared.chassis.unit_of_work import Cause, UnitOfWork, closing
from services.shared.kernel.errors import NotYet, Refused, Unavailable
from services.shared.messages.base import Event

log = logger("handlers")

E = TypeVar("E", bound=Event)

RETRY_S_MAX = 600.0
NOT_YET_S_MAX = 30.0
NOT_YET_ALARM_S = 300.0
ERROR_CHARS_MAX = 4_000

CLAIM = """
BEGIN;
SELECT i.seq, i.type, i.stream, i.body, i.attempts, i.received_at, (SELECT offset_s FROM clock)
FROM inbox i
WHERE i.source = %(source)s AND i.status = 'ready'
  AND i.seq <= (SELECT contiguous_seq FROM inbox_source WHERE source = %(source)s)
  AND (i.next_attempt_at IS NULL OR i.next_attempt_at <= %(wall)s)
  AND NOT EXISTS (
    SELECT 1 FROM inbox b WHERE b.source = i.source AND b.stream = i.stream AND b.seq < i.seq
    AND b.status <> 'done' AND b.attempts > 0 AND NOT (b.status = 'parked' AND b.type = ANY(%(passed)s)))
ORDER BY i.seq LIMIT %(window)s
FOR UPDATE OF i SKIP LOCKED
"""

# One index probe per stream: an aggregate would read every waiting row of a long one.
FIRST_UNFINISHED = """
SELECT s.stream, (SELECT i.seq FROM inbox i
                  WHERE i.source = %(source)s AND i.stream = s.stream AND i.status <> 'done'
                    AND NOT (i.status = 'parked' AND i.type = ANY(%(passed)s))
                  ORDER BY i.seq LIMIT 1)
FROM unnest(%(streams)s::text[]) AS s (stream)
"""

WIDEST = 16
"""How many batches wide the search gets when another process holds the nearer streams."""


@dataclass(frozen=True, slots=True)
class Claimed:
    source: str
    seq: int
    type: str
    stream: str
    body: bytes
    attempts: int
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of one claimed row."""

    row: Claimed
    status: str
    outcome: str
    error: str | None = None
    again_at: datetime | None = None


class Received(BaseModel, Generic[E]):
    """The attributes of a CloudEvent that a handler uses, with its data read strictly, as JSON."""

    id: str
    time: datetime
    correlationid: str = ""
    actor: str = ""
    traceparent: str = ""
    data: E


class Handlers:
    """The handlers of one service in one process. Each `run` lasts to the first failure of the database."""

    def __init__(self, service: str, engine: Engine, clock: Clock, unit_of_work: type[UnitOfWork],
                 subscriptions: Sequence[Subscription], batch: int) -> None:  # fmt: skip
        self.service = service
        self.engine = engine
        self.clock = clock
        self.unit_of_work = unit_of_work
        self.batch = batch
        self.subscriptions: dict[str, list[Subscription]] = {}
        for subscription in subscriptions:
            self.subscriptions.setdefault(subscription.event.wire_name, []).append(subscription)
        self.readers = {s.event.wire_name: Received[s.event] for s in subscriptions}  # type: ignore[name-defined]
        self.sources = deque(sorted({s.event.source for s in subscriptions}))
        self.passed = [name for name, several in self.subscriptions.items() if all(s.pass_over_parked for s in several)]

    def run(self, stop: Stop) -> None:
        """Work until *stop* is set. Raises what failed."""
        with database.connection(self.engine) as held:
            raw = database.driver(held)
            raw.cursor().execute("LISTEN yiqi_inbox")
            while not stop.is_set():
                if not self.handle_once(held):
                    database.wait_for_notify(raw, 1.0)

    def handle_once(self, held: Connection) -> int:
        """Handle at most one batch of what is due. Returns how many rows ended; 0: nothing to do now."""
        for _ in range(len(self.sources)):
            source = self.sources[0]
            self.sources.rotate(-1)  # a busy source must not starve the others
            if ended := self._handle_batch(held, source):
                return ended
        return 0

    def _handle_batch(self, held: Connection, source: str) -> int:
        cursor = database.driver(held).cursor()
        claimed, now = self._claim(cursor, source)
        if not claimed:
            return 0
        try:
            ended, units = self._handle_all(held, cursor, claimed, now, careful=False)
            self._finish(cursor, ended, units)
        except BaseException as error:
            if database.is_disconnect(error):
                raise
            cursor.execute("ROLLBACK")
            claimed, now = self._claim(cursor, source)
            ended, units = self._handle_all(held, cursor, claimed, now, careful=True)
            self._finish(cursor, ended, units)
        return len(ended)

    def _claim(self, cursor: Any, source: str) -> tuple[list[Claimed], datetime]:
        """Lock the next rows that may run, oldest first. Leaves a transaction open when there are any."""
        window = self.batch
        while True:
            wall = self.clock.wall()
            known = {"source": source, "wall": wall, "window": window, "passed": self.passed}
            cursor.execute(CLAIM, known)
            found = cursor.fetchall()
            offset_s = found[0][6] if found else 0.0
            rows = [
                Claimed(source, seq, kind, stream, bytes(body), attempts, received_at)
                for seq, kind, stream, body, attempts, received_at, _ in found
            ]
            claimed = self._in_order(cursor, source, rows)
            if claimed:
                return claimed, clocks.business(wall, offset_s)
            cursor.execute("ROLLBACK")
            if len(found) < window or window >= self.batch * WIDEST:
                return [], wall
            window *= 4

    def _in_order(self, cursor: Any, source: str, rows: list[Claimed]) -> list[Claimed]:
        """Those *rows* whose stream starts with one of them: the rest wait for what another process holds."""
        if not rows:
            return []
        streams = list({row.stream for row in rows})
        cursor.execute(FIRST_UNFINISHED, {"source": source, "streams": streams, "passed": self.passed})
        first = dict(cursor.fetchall())
        mine: set[str] = set()
        claimed: list[Claimed] = []
        for row in rows:
            if first.get(row.stream) == row.seq:
                mine.add(row.stream)
            if row.stream in mine and len(claimed) < self.batch:
                claimed.append(row)
        return claimed

    def _handle_all(self, held: Connection, cursor: Any, claimed: list[Claimed], now: datetime, *,
                    careful: bool) -> tuple[list[Ended], list[UnitOfWork]]:  # fmt: skip
        """
        Run *claimed* in the open transaction.

        Not *careful*: without savepoints, which saves two thirds of the round trips; the first failure
        is raised and nothing of the batch may stand. *Careful*: each event in its savepoint, with what
        it leaves to be written.
        """
        ended: list[Ended] = []
        units: list[UnitOfWork] = []
        blocked: set[str] = set()
        for row in claimed:
            if row.stream in blocked:
                continue
            if not careful:
                units.append(self._apply(held, row, now))
                ended.append(Ended(row, "done", "done"))
                continue
            cursor.execute("SAVEPOINT one")
            try:
                unit = self._apply(held, row, now)
                statements, parameters = closing([unit])
                cursor.execute(f"{statements} RELEASE SAVEPOINT one", parameters)
            except BaseException as error:
                if database.is_disconnect(error):
                    raise
                cursor.execute("ROLLBACK TO SAVEPOINT one; RELEASE SAVEPOINT one")
                end = self._failed(row, error)
                if end.status == "ready" or (end.status == "parked" and row.type not in self.passed):
                    blocked.add(row.stream)
                ended.append(end)
            else:
                ended.append(Ended(row, "done", "done"))
        return ended, units

    def _apply(self, held: Connection, row: Claimed, now: datetime) -> UnitOfWork:
        received = self.readers[row.type].model_validate_json(row.body, extra="ignore")
        cause = Cause(
            correlation_id=received.correlationid or received.id,
            causation_id=received.id,
            actor=received.actor,
            traceparent=received.traceparent,
            occurred_at=received.time,
        )
        with (
            structlog.contextvars.bound_contextvars(
                correlation_id=cause.correlation_id, event_id=cause.causation_id, event_type=row.type
            ),
            telemetry.span(f"handle {row.type}", cause.traceparent, service=self.service),
        ):
            uow = self.unit_of_work(connection=held, cause=cause, now=now)
            for subscription in self.subscriptions[row.type]:
                subscription.use_case(received.data, uow=uow, now=now)
        return uow

    def _failed(self, row: Claimed, error: BaseException) -> Ended:
        attempts = row.attempts + 1
        text = f"{type(error).__name__}: {error}"[:ERROR_CHARS_MAX]
        wall = self.clock.wall()
        context = {
            "service": self.service,
            "source": row.source,
            "seq": row.seq,
            "event_type": row.type,
            "error": text,
        }
        if isinstance(error, Refused):
            log.info("event refused", code=error.code, **context)
            return Ended(row, "done", "refused", f"{error.code}: {error}"[:ERROR_CHARS_MAX])
        if isinstance(error, NotYet):
            waited_s = (wall - row.received_at).total_seconds()
            report = log.error if waited_s > NOT_YET_ALARM_S else log.info
            report("event waits for another's facts", waited_s=round(waited_s), **context)
            return self._again(row, attempts, NOT_YET_S_MAX, text, "not_yet")
        if isinstance(error, Unavailable) or database.world_failed(error):
            log.warning("event will be tried again", attempts=attempts, **context)
            return self._again(row, attempts, RETRY_S_MAX, text, "retry")
        log.error("event parked", exc_info=error, **context)
        metrics.EVENTS_PARKED.labels(self.service, "malformed" if isinstance(error, ValidationError) else "bug").inc()
        trace = "".join(traceback.format_exception(error))[-ERROR_CHARS_MAX:]
        return Ended(row, "parked", "parked", trace.replace("\x00", ""))

    def _again(self, row: Claimed, attempts: int, delay_s_max: float, text: str, outcome: str) -> Ended:
        # Not random for secrets' sake: jitter keeps streams that failed together from coming back together.
        delay_s = min(2.0 ** min(attempts - 1, 12) * 0.25, delay_s_max) * random.uniform(0.75, 1.25)  # noqa: S311
        return Ended(row, "ready", outcome, text.replace("\x00", ""), clocks.business(self.clock.wall(), delay_s))

    def _finish(self, cursor: Any, ended: list[Ended], units: list[UnitOfWork]) -> None:
        wall = self.clock.wall()
        plain = [end for end in ended if end.outcome == "done"]
        if plain:
            cursor.execute(
                "UPDATE inbox SET status = 'done', done_at = %s, last_error = NULL"
                " FROM unnest(%s::text[], %s::bigint[]) AS mine (source, seq)"
                " WHERE inbox.source = mine.source AND inbox.seq = mine.seq",
                (wall, [end.row.source for end in plain], [end.row.seq for end in plain]),
            )
        others = [end for end in ended if end.outcome != "done"]
        if others:
            execute_values(
                cursor,
                "UPDATE inbox SET status = v.status, attempts = inbox.attempts + 1, last_error = v.error,"
                " next_attempt_at = v.again_at::timestamptz, done_at = v.done_at::timestamptz"
                " FROM (VALUES %s) AS v (source, seq, status, error, again_at, done_at)"
                " WHERE inbox.source = v.source AND inbox.seq = v.seq",
                [
                    (end.row.source, end.row.seq, end.status, end.error, end.again_at,
                     wall if end.status == "done" else None)
                    for end in others
                ],
            )  # fmt: skip
        failpoint.reach("handlers_before_commit")
        statements, parameters = closing(units)
        wake = "; NOTIFY yiqi_outbox" if statements else ""
        cursor.execute(f"{statements} COMMIT{wake}", parameters)
        failpoint.reach("handlers_committed")
        for end in ended:
            metrics.EVENTS_HANDLED.labels(self.service, end.outcome).inc()
