"""
The only sequencer of a source: outbox → event log → exchange.

One relay is active per database: it holds an advisory lock on the very connection that writes, so
a relay that lost its connection has lost the lock and cannot write. It moves committed outbox rows,
in id order, into the log (gap-free numbers, bytes rendered once, hash chain), then publishes what
follows `published_seq` in batches with pipelined confirms, and moves that one number on as confirms
arrive without a gap. A crash anywhere leads to a second copy of some events at the consumers, whose
inbox keys make it harmless; never to a lost or a renumbered one.
"""

import contextlib
import json
import time
from typing import Any

import amqp
from sqlalchemy import Connection, Engine

from services.shared.chassis import broker, database, event_log, failpoint, metrics
from services.shared.chassis.clock import Clock
from services.shared.chassis.logs import logger
from services.shared.chassis.loops import Stop

log = logger("relay")

SEQUENCE_BATCH = 500
PUBLISH_BATCH = 200
LINGER_S = 0.008
"""After a wake-up, so that a busy source is numbered in batches: one flush of the disk for many."""
CONFIRM_TIMEOUT_S = 10.0
ADVISORY_KEY = 0x59495149  # 'YIQI': one relay per database, so one key for all databases
HEARTBEAT_AFTER_S = 1.0
HEARTBEAT_EVERY_S = 20.0
REPAIR_POLL_S = 0.5
REPAIR_MAX = 5_000
"""Events published again for one request; the asker asks again for the rest."""


class Relay:
    """The relay of *source*. Each `run` lasts to the first failure; `loops.keep_running` starts the next."""

    def __init__(self, source: str, engine: Engine, broker_url: str, clock: Clock) -> None:
        self.source = source
        self.engine = engine
        self.broker_url = broker_url
        self.clock = clock
        self.exchange = f"{source}.events"
        self.last_heartbeat_at = 0.0
        self.last_publish_at = 0.0
        self.heartbeat_seq = -1
        self.asked_repairs_at = 0.0

    def run(self, stop: Stop) -> None:
        """Work until *stop* is set. Raises what failed."""
        with database.connection(self.engine) as held:
            if not self._become_the_one(held, stop):
                return
            amqp_connection = None
            try:
                amqp_connection = broker.connect(self.broker_url, f"relay {self.source}")
                self._work(held, amqp_connection, stop)
            finally:
                broker.close(amqp_connection)
                with contextlib.suppress(Exception):
                    held.exec_driver_sql("UNLISTEN *; SELECT pg_advisory_unlock_all()")

    def _become_the_one(self, held: Connection, stop: Stop) -> bool:
        while not stop.is_set():
            if held.exec_driver_sql(f"SELECT pg_try_advisory_lock({ADVISORY_KEY})").scalar_one():
                log.info("relay active", source=self.source)
                return True
            stop.wait(1.0)
        return False

    def _work(self, held: Connection, amqp_connection: Any, stop: Stop) -> None:
        raw = database.driver(held)
        cursor = raw.cursor()
        cursor.execute("LISTEN yiqi_outbox")
        publisher = broker.ConfirmedPublisher(amqp_connection)
        repairs = amqp_connection.channel()
        cursor.execute("SELECT last_seq, last_hash, published_seq FROM relay")
        last_seq, last_hash, published_seq = cursor.fetchone()
        last_hash = bytes(last_hash)
        ready: list[event_log.Entry] = []  # numbered in this run and not yet published, without a gap
        # A broker that just refused a batch is asked with a single event first: a full inbox refuses
        # although every other queue took its copy, and whole batches again and again would flood those.
        batch = 1
        while not stop.is_set():
            entries, last_hash = self._sequence(cursor, last_seq, last_hash)
            if entries:
                last_seq = entries[-1].seq
                ready += entries
            failpoint.reach("relay_sequenced")
            while published_seq < last_seq:
                if not ready or ready[0].seq != published_seq + 1:
                    ready = event_log.read(cursor, published_seq, PUBLISH_BATCH, last_seq)
                chunk, ready = ready[:batch], ready[batch:]
                published_seq = self._publish(cursor, publisher, chunk)
                batch = PUBLISH_BATCH
            if time.monotonic() - self.asked_repairs_at > REPAIR_POLL_S:
                self._answer_repairs(cursor, publisher, repairs)
                self.asked_repairs_at = time.monotonic()
            self._heartbeat(publisher, published_seq)
            broker.beat(amqp_connection)
            if len(entries) < SEQUENCE_BATCH and database.wait_for_notify(raw, 1.0):
                stop.wait(LINGER_S)

    def _sequence(self, cursor: Any, last_seq: int, last_hash: bytes) -> tuple[list[event_log.Entry], bytes]:
        cursor.execute(
            "BEGIN; WITH moved AS ("
            "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT %s)"
            " RETURNING id, event_id::text, type, stream, data, headers)"
            " SELECT event_id, type, stream, data, headers FROM moved ORDER BY id",
            (SEQUENCE_BATCH,),
        )
        rows = cursor.fetchall()
        if not rows:
            cursor.execute("COMMIT")
            return [], last_hash
        entries, head = event_log.append(cursor, self.source, rows, last_seq, last_hash, self.clock.wall())
        cursor.execute(
            "UPDATE relay SET last_seq = %s, last_hash = %s WHERE last_seq = %s",
            (entries[-1].seq, head, last_seq),
        )
        if cursor.rowcount != 1:
            # Somebody else numbered: only possible without the lock. Nothing of ours must stand.
            cursor.execute("ROLLBACK")
            raise RuntimeError("the log was moved on by another relay")
        cursor.execute("COMMIT")
        metrics.EVENTS_LOGGED.labels(self.source).inc(len(entries))
        return entries, head

    def _publish(self, cursor: Any, publisher: broker.ConfirmedPublisher, chunk: list[event_log.Entry]) -> int:
        first_tag = 0
        try:
            for entry in chunk:
                tag = publisher.publish(self._message(entry), self.exchange, entry.type)
                first_tag = first_tag or tag
            publisher.drain(CONFIRM_TIMEOUT_S)
            failpoint.reach("relay_confirmed")
        finally:
            done = publisher.confirmed_up_to() - first_tag + 1 if first_tag else 0
            published_seq = chunk[0].seq - 1 + max(0, min(done, len(chunk)))
            # Losing this number costs copies, not events: it need not wait for the disk.
            cursor.execute(
                "BEGIN; SET LOCAL synchronous_commit = off;"
                " UPDATE relay SET published_seq = %s WHERE published_seq < %s; COMMIT",
                (published_seq, published_seq),
            )
        self.last_publish_at = time.monotonic()
        metrics.EVENTS_PUBLISHED.labels(self.source).inc(len(chunk))
        return published_seq

    def _message(self, entry: event_log.Entry) -> Any:
        return amqp.Message(
            entry.body,
            content_type="application/cloudevents+json",
            delivery_mode=2,
            message_id=str(entry.event_id),
            type=entry.type,
            user_id=self._user,
            application_headers={"seq": entry.seq},
        )

    @property
    def _user(self) -> str:
        # The broker checks that this is who is connected: consumers may believe it.
        return f"relay_{self.source}"

    def _heartbeat(self, publisher: broker.ConfirmedPublisher, published_seq: int) -> None:
        """Tell consumers how far the log is published: the loss of its very last event shows too."""
        now = time.monotonic()
        due = published_seq != self.heartbeat_seq and now - self.last_publish_at >= HEARTBEAT_AFTER_S
        if not due and now - self.last_heartbeat_at < HEARTBEAT_EVERY_S:
            return
        message = amqp.Message(
            json.dumps({"source": self.source, "published_seq": published_seq}),
            content_type="application/json",
            delivery_mode=1,
            type="relay.heartbeat.v1",
            user_id=self._user,
        )
        publisher.publish(message, self.exchange, "relay.heartbeat.v1")
        publisher.drain(CONFIRM_TIMEOUT_S)
        self.last_heartbeat_at, self.heartbeat_seq = now, published_seq

    def _answer_repairs(self, cursor: Any, publisher: broker.ConfirmedPublisher, channel: Any) -> None:
        """Publish again what a consumer says it never got, from the log, the same bytes."""
        while (request := channel.basic_get(f"{self.source}.repair")) is not None:
            try:
                wanted = json.loads(request.body)
                after, until = int(wanted["from"]) - 1, int(wanted["to"])
            except (ValueError, KeyError, TypeError):
                log.warning("repair request not understood", source=self.source)
            else:
                entries = event_log.read(cursor, after, REPAIR_MAX, until)
                log.warning("repair", source=self.source, first=after + 1, last=until, found=len(entries))
                for start in range(0, len(entries), PUBLISH_BATCH):
                    for entry in entries[start : start + PUBLISH_BATCH]:
                        publisher.publish(self._message(entry), self.exchange, entry.type)
                    publisher.drain(CONFIRM_TIMEOUT_S)
            channel.basic_ack(request.delivery_tag)
