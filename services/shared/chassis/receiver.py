"""
Store first: what other services tell is written to the inbox in batches, committed, then acknowledged.

One receiver is active per service: the inbox queue has a single active consumer. Nothing is acted
on here; `handlers.py` works from the table. A message that cannot become an event is set aside with
its reason and never stops the rest:

- undecodable, unknown or malformed, from the right sender: parked in the inbox under the number of
  its AMQP header, so that it leaves no gap;
- from a sender that does not own the exchange: rejected into `<service>.parked`, because then not
  even its number can be believed;
- dead-lettered by the broker: read back from `<service>.parked` into the table `dead_letter`.

A gap in a source's numbers that lasts longer than two seconds is asked for again, on the exchange
`repair`.
"""

import json
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import amqp
from psycopg2.errors import UniqueViolation
from psycopg2.extras import Json, execute_values
from pydantic_core import from_json
from sqlalchemy import Engine

from services.shared.chassis import broker, database, failpoint, metrics
from services.shared.chassis.clock import Clock
from services.shared.chassis.logs import logger
from services.shared.chassis.loops import Stop
from services.shared.kernel.ids import new_id
from services.shared.messages.registry import TYPE_PREFIX, events

log = logger("receiver")

BATCH = 200
LINGER_S = 0.005
BODY_BYTES_MAX = 256 * 1024
"""Four times the 64 KiB that CloudEvents promises to carry everywhere; our events stay below 20 kB."""
STREAM_CHARS_MAX = 200
COLUMNS = (
    "source", "seq", "event_id", "type", "stream", "body", "status", "attempts", "received_at", "last_error",
)  # fmt: skip
REQUIRED = ("id", "source", "type", "sequence", "partitionkey", "data")
GAP_AFTER_S = 2.0
REPAIR_SPAN = 5_000
REPAIR_AGAIN_S = 10.0


@dataclass
class Progress:
    """How far one source has been received: all up to *contiguous*, and some *ahead* of a gap."""

    contiguous: int
    ahead: set[int] = field(default_factory=set)
    told: int = 0
    """What the source's heartbeat says is published."""
    gap_since: float | None = None
    asked_at: float = 0.0

    def add(self, seq: int) -> None:
        if seq > self.contiguous:
            self.ahead.add(seq)
            while self.contiguous + 1 in self.ahead:
                self.contiguous += 1
                self.ahead.discard(self.contiguous)

    def has_gap(self) -> bool:
        return bool(self.ahead) or self.told > self.contiguous


@dataclass(frozen=True, slots=True)
class Row:
    """One message as a row of the inbox."""

    source: str
    seq: int
    event_id: str | None
    type: str
    stream: str
    body: bytes
    fault: str | None = None


class WrongSender(Exception):
    """The broker says that this message comes from somebody who does not own its exchange."""


def read_row(exchange: str, properties: dict[str, Any], body: bytes, handled: frozenset[str]) -> Row | None:
    """
    What to store for one message; none for an event that nobody here handles.

    Raises:
        WrongSender: See there.
    """
    source = exchange.removesuffix(".events")
    if properties.get("user_id") != f"relay_{source}":
        raise WrongSender(f"{properties.get('user_id')} may not state events of {source}")
    seq = (properties.get("application_headers") or {}).get("seq")
    if type(seq) is not int or not 0 < seq < 2**62:
        raise WrongSender("no sequence number")
    envelope = _envelope(source, seq, properties, body)
    if isinstance(envelope, str):
        return Row(source, seq, None, "?", f"?/{seq}", body[:BODY_BYTES_MAX], envelope)
    wire_name = envelope["type"].removeprefix(TYPE_PREFIX)
    if wire_name not in handled:
        return None
    return Row(source, seq, envelope["id"], wire_name, envelope["partitionkey"], body)


def _envelope(source: str, seq: int, properties: dict[str, Any], body: bytes) -> dict[str, Any] | str:
    """
    The attributes of this message, or why it is no event of ours.

    Only the envelope is looked at: the data are read once, by the handler, which parks what it
    cannot read.
    """
    if len(body) > BODY_BYTES_MAX:
        return f"too_large: {len(body)} bytes"
    if properties.get("content_type") != "application/cloudevents+json":
        return f"wrong_content_type: {properties.get('content_type')!r:.80}"
    try:
        envelope: dict[str, Any] = from_json(body)  # thrice as quick as the standard library's, and stricter
        wrong = [key for key in REQUIRED if not isinstance(envelope[key], dict if key == "data" else str)]
        if not wrong:
            UUID(envelope["id"])
    except (ValueError, TypeError) as error:
        return f"undecodable: {type(error).__name__}"
    except KeyError as error:
        return f"missing: {error.args[0]}"
    if wrong:
        return f"malformed: {', '.join(wrong)}"
    return _contradiction(source, seq, envelope) or envelope


def _contradiction(source: str, seq: int, envelope: dict[str, Any]) -> str | None:
    if envelope["source"] != f"/services/{source}" or envelope["sequence"] != f"{seq:020d}":
        return "contradicts its exchange or its number"
    stream = envelope["partitionkey"]
    if not 0 < len(stream) <= STREAM_CHARS_MAX or "\x00" in stream:  # PostgreSQL's text holds no NUL
        return "malformed: partitionkey"
    known = events().get(envelope["type"].removeprefix(TYPE_PREFIX))
    if known is None or known.source != source:
        return f"unknown_type: {envelope['type']!r:.80}"
    return None


class Receiver:
    """The receiver of *service*. Each `run` lasts to the first failure."""

    def __init__(self, service: str, engine: Engine, broker_url: str, clock: Clock,
                 sources: tuple[str, ...], handled: frozenset[str]) -> None:  # fmt: skip
        self.service = service
        self.engine = engine
        self.broker_url = broker_url
        self.clock = clock
        self.sources = sources
        self.handled = handled

    def run(self, stop: Stop) -> None:
        """Work until *stop* is set. Raises what failed."""
        with database.connection(self.engine) as held:
            amqp_connection = broker.connect(self.broker_url, f"receiver {self.service}")
            try:
                _Session(self, database.driver(held).cursor(), amqp_connection).work(stop)
            finally:
                broker.close(amqp_connection)


class _Session:
    """From one connect to the next: what has arrived, what is stored, what is to be acknowledged."""

    def __init__(self, receiver: Receiver, cursor: Any, amqp_connection: Any) -> None:
        self.receiver = receiver
        self.service = receiver.service
        self.cursor = cursor
        self.connection = amqp_connection
        self.channel = amqp_connection.channel()
        self.channel.basic_qos(0, BATCH * 2, a_global=False)
        # A channel of its own: tags of dead letters must not fall under a multiple ack of events.
        self.dead_channel = amqp_connection.channel()
        self.dead_channel.basic_qos(0, 10, a_global=False)
        self.arrived: list[Any] = []
        self.dead: list[Any] = []
        self.repair_channel: Any = None
        cursor.execute("SELECT source, contiguous_seq FROM inbox_source")
        stored = dict(cursor.fetchall())
        self.progress = {source: Progress(stored.get(source, 0)) for source in receiver.sources}
        # After a restart the rows ahead of a gap are known only to the table.
        cursor.execute(
            "SELECT i.source, i.seq FROM inbox i JOIN inbox_source s USING (source) WHERE i.seq > s.contiguous_seq"
        )
        for source, seq in cursor.fetchall():
            if source in self.progress:
                self.progress[source].add(seq)

    def work(self, stop: Stop) -> None:
        self.channel.basic_consume(f"{self.service}.inbox", callback=self.arrived.append)
        self.dead_channel.basic_consume(f"{self.service}.parked", callback=self.dead.append)
        last_beat = time.monotonic()
        while not stop.is_set():
            self._gather()
            if self.arrived:
                self._store()
            if self.dead:
                self._keep_dead_letters()
            self._mind_gaps()
            if time.monotonic() - last_beat > 1:
                self.connection.heartbeat_tick()  # what arrives is read by _gather
                last_beat = time.monotonic()

    def _gather(self) -> None:
        """Wait for a first message, then a few milliseconds for more."""
        try:
            self.connection.drain_events(timeout=0.5)
            until = time.monotonic() + LINGER_S
            while len(self.arrived) < BATCH and (left := until - time.monotonic()) > 0:
                self.connection.drain_events(timeout=left)
        except TimeoutError:
            pass

    def _store(self) -> None:
        batch, self.arrived[:] = self.arrived[:], []
        rows: list[Row] = []
        refused: list[tuple[Any, str]] = []
        seen: list[tuple[str, int]] = []
        for message in batch:
            if message.delivery_info["routing_key"] == "relay.heartbeat.v1":
                self._heartbeat(message)
                continue
            try:
                row = read_row(
                    message.delivery_info["exchange"],
                    message.properties,
                    _bytes(message),
                    self.receiver.handled,
                )
            except WrongSender as error:
                refused.append((message, str(error)))
                continue
            source = message.delivery_info["exchange"].removesuffix(".events")
            seen.append((source, message.properties["application_headers"]["seq"]))
            if row is not None:
                rows.append(row)
        self._write(rows, seen)
        failpoint.reach("receiver_committed")
        for message, reason in refused:
            log.error("message from a wrong sender", service=self.service, reason=reason)
            metrics.EVENTS_PARKED.labels(self.service, "wrong_sender").inc()
            # Before the multiple ack below, which would take it along.
            self.channel.basic_reject(message.delivery_tag, requeue=False)
        if len(refused) < len(batch):
            rejected = {message.delivery_tag for message, _ in refused}
            last = max(message.delivery_tag for message in batch if message.delivery_tag not in rejected)
            self.channel.basic_ack(last, multiple=True)

    def _write(self, rows: list[Row], seen: list[tuple[str, int]]) -> None:
        for source, seq in seen:
            if source in self.progress:
                self.progress[source].add(seq)
        if not seen:
            return
        wall = self.receiver.clock.wall()
        fresh = [
            (row.source, row.seq, row.event_id, row.type, row.stream, row.body,
             "parked" if row.fault else "ready", 1 if row.fault else 0, wall, row.fault)
            for row in rows
        ]  # fmt: skip
        self.cursor.execute("BEGIN; SAVEPOINT fresh")
        try:
            try:
                database.copy_in(self.cursor, "inbox", COLUMNS, fresh)
            except UniqueViolation:  # some came a second time, which is rare
                self.cursor.execute("ROLLBACK TO SAVEPOINT fresh")
                execute_values(
                    self.cursor,
                    f"INSERT INTO inbox ({', '.join(COLUMNS)}) VALUES %s ON CONFLICT (source, seq) DO NOTHING",
                    fresh,
                    page_size=BATCH * 2,
                )
            execute_values(
                self.cursor,
                "INSERT INTO inbox_source (source, contiguous_seq) VALUES %s ON CONFLICT (source) DO"
                " UPDATE SET contiguous_seq = greatest(inbox_source.contiguous_seq, EXCLUDED.contiguous_seq)",
                [(source, self.progress[source].contiguous) for source in sorted({source for source, _ in seen})],
            )
            self.cursor.execute("COMMIT; NOTIFY yiqi_inbox")
        except BaseException:
            if not self.cursor.connection.closed:
                self.cursor.execute("ROLLBACK")
            raise
        metrics.EVENTS_RECEIVED.labels(self.service).inc(len(rows))
        for row in rows:
            if row.fault:
                log.error("message parked", service=self.service, source=row.source, seq=row.seq, reason=row.fault)
                metrics.EVENTS_PARKED.labels(self.service, row.fault.partition(":")[0]).inc()

    def _heartbeat(self, message: Any) -> None:
        source = message.delivery_info["exchange"].removesuffix(".events")
        if message.properties.get("user_id") != f"relay_{source}" or source not in self.progress:
            return
        try:
            told = int(json.loads(_bytes(message))["published_seq"])
        except (ValueError, KeyError, TypeError):
            return
        self.progress[source].told = max(self.progress[source].told, told)

    def _mind_gaps(self) -> None:
        now = time.monotonic()
        for source, progress in self.progress.items():
            if not progress.has_gap():
                progress.gap_since = None
                continue
            if progress.gap_since is None:
                progress.gap_since = now
            elif now - progress.gap_since > GAP_AFTER_S and now - progress.asked_at > REPAIR_AGAIN_S:
                progress.asked_at = now
                self._ask_again(source, progress)

    def _ask_again(self, source: str, progress: Progress) -> None:
        first = progress.contiguous + 1
        last = min(min(progress.ahead) - 1 if progress.ahead else progress.told, first + REPAIR_SPAN - 1)
        log.error("gap in a source", service=self.service, source=source, first=first, last=last)
        metrics.GAPS.labels(self.service, source).inc()
        if self.repair_channel is None:
            self.repair_channel = self.connection.channel()
        body = json.dumps({"source": source, "from": first, "to": last})
        self.repair_channel.basic_publish(
            amqp.Message(body, content_type="application/json", delivery_mode=2), "repair", source
        )
        if last - first + 1 == REPAIR_SPAN:
            progress.asked_at = 0.0  # a long gap is fetched piece by piece, without waiting between them

    def _keep_dead_letters(self) -> None:
        dead, self.dead[:] = self.dead[:], []
        wall = self.receiver.clock.wall()
        self.cursor.execute("BEGIN")
        execute_values(
            self.cursor,
            "INSERT INTO dead_letter (id, received_at, reason, exchange, routing_key, user_id, headers, body,"
            " body_size) VALUES %s",
            [self._dead_letter(message, wall) for message in dead],
        )
        self.cursor.execute("COMMIT")
        metrics.EVENTS_PARKED.labels(self.service, "dead_letter").inc(len(dead))
        for message in dead:
            self.dead_channel.basic_ack(message.delivery_tag)

    def _dead_letter(self, message: Any, wall: Any) -> tuple[Any, ...]:
        headers = dict(message.properties.get("application_headers") or {})
        death = (headers.get("x-death") or [{}])[0]
        body = _bytes(message)
        return (
            str(new_id()), wall, str(death.get("reason", "rejected")), str(death.get("exchange", "")),
            str((death.get("routing-keys") or [""])[0]), message.properties.get("user_id"),
            Json(json.loads(json.dumps(headers, default=str).replace("\\u0000", ""))),
            body[:BODY_BYTES_MAX], len(body),
        )  # fmt: skip


def _bytes(message: Any) -> bytes:
    # py-amqp decodes a body whose properties name an encoding
    body = message.body
    return body.encode() if isinstance(body, str) else bytes(body)
