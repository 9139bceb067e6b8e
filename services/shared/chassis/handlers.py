"""
Acting on what was received: from the inbox table, each stream in order, streams beside each other.

What is due is looked up without locks, some hundred rows at a time, and then taken batch by batch: a
batch is locked, marked as done, acted on and committed in one transaction, with whatever its events
append to the outbox. So an event takes effect once, however often it came, and a process that dies
leaves its rows as they were. Several processes may run handlers of one service beside each other:
what another holds is passed over, and with it the rest of its stream (`Look`).

A batch that fails is rolled back and its events are taken one by one. What becomes of one that fails:

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
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection, Engine

from services.shared.chassis import clock as clocks
from services.shared.chassis import database, failpoint, logs, metrics, telemetry
from services.shared.chassis.clock import Clock
from services.shared.chassis.definition import Subscription
from services.shared.chassis.loops import Stop
from services.shared.chassis.unit_of_work import Cause, UnitOfWork, closing
from services.shared.kernel.errors import NotYet, Refused, Unavailable
from services.shared.messages.base import Event

log = logs.logger("handlers")

E = TypeVar("E", bound=Event)

RETRY_S_MAX = 600.0
NOT_YET_S_MAX = 30.0
NOT_YET_ALARM_S = 300.0
ERROR_CHARS_MAX = 4_000

LOOK_AHEAD = 400
"""Rows looked up at once, unless a batch is larger."""
WIDEST = 16
"""How many times as far a process looks when another one holds all that is nearer."""

DUE = """
SELECT i.seq, i.type, i.stream, i.body, i.attempts, i.received_at
FROM inbox i
WHERE i.source = %(source)s AND i.status = 'ready'
  AND i.seq <= (SELECT contiguous_seq FROM inbox_source WHERE source = %(source)s)
  AND (i.next_attempt_at IS NULL OR i.next_attempt_at <= %(wall)s)
  AND NOT EXISTS (
    SELECT 1 FROM inbox b WHERE b.source = i.source AND b.stream = i.stream AND b.seq < i.seq
    AND b.status <> 'done' AND b.attempts > 0 AND NOT (b.status = 'parked' AND b.type = ANY(%(passed)s)))
ORDER BY i.seq LIMIT %(window)s
"""

TAKE = "BEGIN; SELECT seq, offset_s FROM take_from_inbox(%s, %s::bigint[], %s)"

# Somebody else may have ended it since it was rolled back here.
RECORD = """
UPDATE inbox SET status = %s, attempts = attempts + 1, last_error = %s, next_attempt_at = %s, done_at = %s
WHERE source = %s AND seq = %s AND status = 'ready' AND attempts = %s
"""


class Due(NamedTuple):
    """A row of the inbox as it was looked up."""

    source: str
    seq: int
    type: str
    stream: str
    body: bytes
    attempts: int
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """Rows that are ours until the open transaction ends, and the business time that holds in it."""

    rows: list[Due]
    now: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of one row that failed."""

    status: str
    outcome: str
    error: str
    again_at: datetime | None = None


class Look:
    """
    What was due at one moment, oldest first, to be taken in that order.

    A stream of which one row could not be taken, or failed, is left alone for the rest of this look:
    the next one shows how it stands. The order of a stream needs no more than that, since a look holds
    every row of a stream that is due before another of its rows.
    """

    def __init__(self, rows: Sequence[Due]) -> None:
        self.size = len(rows)
        self._left = deque(rows)
        self._left_alone: set[str] = set()

    def leave_alone(self, stream: str) -> None:
        self._left_alone.add(stream)

    def open(self, rows: Sequence[Due]) -> list[Due]:
        """Those *rows* whose stream is not left alone."""
        return [row for row in rows if row.stream not in self._left_alone]

    def next(self, count: int) -> list[Due]:
        """The next *count* rows that may be tried; empty at the end."""
        found: list[Due] = []
        while self._left and len(found) < count:
            row = self._left.popleft()
            if row.stream not in self._left_alone:
                found.append(row)
        return found


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
        """Handle what one look at one source finds. Returns how many rows ended; 0: nothing to do now."""
        cursor = database.driver(held).cursor()
        for _ in range(len(self.sources)):
            source = self.sources[0]
            self.sources.rotate(-1)  # a busy source must not starve the others
            narrow = max(self.batch, LOOK_AHEAD)
            window = narrow
            while window <= narrow * WIDEST:
                look = self._look(cursor, source, window)
                if ended := self._work_through(held, cursor, look):
                    return ended
                if look.size < window:
                    break
                window *= 4
        return 0

    def _look(self, cursor: Any, source: str, window: int) -> Look:
        known = {"source": source, "wall": self.clock.wall(), "window": window, "passed": self.passed}
        cursor.execute(DUE, known)
        return Look(
            [
                Due(source, seq, kind, stream, bytes(body), attempts, received_at)
                for seq, kind, stream, body, attempts, received_at in cursor
            ]
        )

    def _work_through(self, held: Connection, cursor: Any, look: Look) -> int:
        ended = 0
        taken = self._take_next(cursor, look)
        while taken.rows:
            try:
                units = [self._apply(held, row, taken.now) for row in taken.rows]
                following = self._commit(cursor, units, look)
            except BaseException as error:
                if database.is_disconnect(error):
                    raise
                cursor.execute("ROLLBACK")
                ended += self._one_by_one(held, cursor, taken.rows, look)
                following = self._take_next(cursor, look)
            else:
                ended += len(taken.rows)
                self._count(taken.rows)
            taken = following
        return ended

    def _take_next(self, cursor: Any, look: Look, before: str = "", parameters: Sequence[Any] = ()) -> Taken:
        """
        Open a transaction with the next rows of *look* that can be had; none, and no transaction, at its end.

        *before* ends the transaction before and travels with the first statement of this one.
        """
        while wanted := look.next(self.batch):
            taken = self._take(cursor, wanted, look, before, parameters)
            if taken.rows:
                return taken
            before, parameters = "", ()
        if before:
            cursor.execute(before, parameters)
        return Taken([], self.clock.wall())

    def _take(self, cursor: Any, wanted: list[Due], look: Look, before: str = "",
              parameters: Sequence[Any] = ()) -> Taken:  # fmt: skip
        """Open a transaction with those rows of *wanted* that can be had; without one there is none open."""
        while wanted:
            source, seqs, wall = wanted[0].source, [row.seq for row in wanted], self.clock.wall()
            cursor.execute(before + TAKE, (*parameters, source, seqs, wall))
            offsets = dict(cursor.fetchall())
            for row in wanted:
                if row.seq not in offsets:  # another process holds it, or has ended it
                    look.leave_alone(row.stream)
            mine = look.open(wanted)
            if mine and len(mine) == len(offsets):
                return Taken(mine, clocks.business(wall, offsets[mine[0].seq]))
            cursor.execute("ROLLBACK")
            before, parameters, wanted = "", (), mine
        return Taken([], self.clock.wall())

    def _one_by_one(self, held: Connection, cursor: Any, rows: Sequence[Due], look: Look) -> int:
        """Each of *rows* in a transaction of its own; what fails, fails alone. Returns how many ended."""
        ended = 0
        for row in rows:
            taken = self._take(cursor, look.open([row]), look)
            if not taken.rows:
                continue
            try:
                self._commit(cursor, [self._apply(held, row, taken.now)])
            except BaseException as error:
                if database.is_disconnect(error):
                    raise
                cursor.execute("ROLLBACK")
                self._record(cursor, row, self._failed(row, error), look)
            else:
                self._count([row])
            ended += 1
        return ended

    def _apply(self, held: Connection, row: Due, now: datetime) -> UnitOfWork:
        received = self.readers[row.type].model_validate_json(row.body, extra="ignore")
        cause = Cause(
            correlation_id=received.correlationid or received.id,
            causation_id=received.id,
            actor=received.actor,
            traceparent=received.traceparent,
            occurred_at=received.time,
            origin=f"{row.source}/{row.seq} {row.type}",
        )
        with (
            logs.about(correlation_id=cause.correlation_id, event_id=cause.causation_id, event_type=row.type),
            telemetry.span(
                f"handle {row.type}", cause.traceparent, kind="consumer", service=self.service, event_id=received.id
            ) as traceparent,
        ):
            uow = self.unit_of_work(connection=held, cause=cause.within(traceparent), now=now)
            for subscription in self.subscriptions[row.type]:
                subscription.use_case(received.data, uow=uow, now=now)
        return uow

    def _failed(self, row: Due, error: BaseException) -> Ended:
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
            return Ended("done", "refused", f"{error.code}: {error}"[:ERROR_CHARS_MAX])
        if isinstance(error, NotYet):
            waited_s = (wall - row.received_at).total_seconds()
            report = log.error if waited_s > NOT_YET_ALARM_S else log.info
            report("event waits for another's facts", waited_s=round(waited_s), **context)
            return self._again(attempts, NOT_YET_S_MAX, text, "not_yet")
        if isinstance(error, Unavailable) or database.world_failed(error):
            log.warning("event will be tried again", attempts=attempts, **context)
            return self._again(attempts, RETRY_S_MAX, text, "retry")
        log.error("event parked", exc_info=error, **context)
        metrics.EVENTS_PARKED.labels(self.service, "malformed" if isinstance(error, ValidationError) else "bug").inc()
        trace = "".join(traceback.format_exception(error))[-ERROR_CHARS_MAX:]
        return Ended("parked", "parked", trace)

    def _again(self, attempts: int, delay_s_max: float, text: str, outcome: str) -> Ended:
        # Not random for secrets' sake: jitter keeps streams that failed together from coming back together.
        delay_s = min(2.0 ** min(attempts - 1, 12) * 0.25, delay_s_max) * random.uniform(0.75, 1.25)  # noqa: S311
        return Ended("ready", outcome, text, clocks.business(self.clock.wall(), delay_s))

    def _record(self, cursor: Any, row: Due, end: Ended, look: Look) -> None:
        done_at = self.clock.wall() if end.status == "done" else None
        told = end.error.replace("\x00", "")  # PostgreSQL's text holds no NUL, and data may bring one into any message
        cursor.execute(RECORD, (end.status, told, end.again_at, done_at, row.source, row.seq, row.attempts))
        if end.status == "ready" or (end.status == "parked" and row.type not in self.passed):
            look.leave_alone(row.stream)
        metrics.EVENTS_HANDLED.labels(self.service, end.outcome).inc()

    def _commit(self, cursor: Any, units: list[UnitOfWork], look: Look | None = None) -> Taken:
        """Write what *units* leave and commit; with *look*, take its next rows in the same round trip."""
        failpoint.reach("handlers_before_commit")
        statements, parameters = closing(units)
        # The wake-up is a transaction of its own: inside, its lock would make all commits queue up.
        wake = "BEGIN; NOTIFY yiqi_outbox; COMMIT; " if statements else ""
        ending = f"{statements} COMMIT; {wake}"
        if look is None:
            cursor.execute(ending, parameters)
            taken = Taken([], self.clock.wall())
        else:
            taken = self._take_next(cursor, look, ending, parameters)
        failpoint.reach("handlers_committed")
        return taken

    def _count(self, rows: Sequence[Due]) -> None:
        metrics.EVENTS_HANDLED.labels(self.service, "done").inc(len(rows))
