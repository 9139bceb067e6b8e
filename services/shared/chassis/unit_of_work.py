"""
One transaction as a use case sees it: its repositories, the events it publishes, what it asks of the outside.

A service derives its own unit of work, which names its repositories. Use cases never commit: the
way in (a command, an event, a timer, the outcome of an outside call) opens and commits.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from services.shared.kernel.ids import derived_id, new_id
from services.shared.kernel.times import rfc3339
from services.shared.messages.base import Event


@dataclass(frozen=True, slots=True)
class Cause:
    """
    Why this transaction runs: written into each event and each outside call that comes of it.

    Attributes:
        correlation_id: The request a person or machine made at the very beginning.
        causation_id: The event or command that led here directly.
        actor: Who, as `organisation/<id>` with `member/<id>` where a person acted; empty for the platform.
        traceparent: W3C trace context, or empty.
        occurred_at: Business time of the event that led here; none for a command.
        origin: Where in whose log the event lies, `orders/4711 order.accepted.v1`; empty for a command.
    """

    correlation_id: str
    causation_id: str
    actor: str = ""
    traceparent: str = ""
    occurred_at: datetime | None = None
    origin: str = ""

    def within(self, traceparent: str) -> "Cause":
        """The same in the span *traceparent*: what comes of it is found under that span."""
        return self if traceparent == self.traceparent else replace(self, traceparent=traceparent)


@dataclass(frozen=True, slots=True)
class OutboxRow:
    event_id: UUID
    type: str
    stream: str
    data: str
    headers: str


@dataclass
class UnitOfWork:
    """
    Attributes:
        connection: For the service's own repositories.
        cause: Why this runs.
        now: Business time, aware UTC; the same throughout the transaction.
        outbox: Events to be written at the end, all in one statement, with the COMMIT.
        asked: Outside calls and timers, likewise: no round trip of their own.
    """

    connection: Connection
    cause: Cause
    now: datetime
    outbox: list[OutboxRow] = field(default_factory=list)
    asked: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    def publish(self, event: Event) -> UUID:
        """State *event* if this transaction commits. Returns its id."""
        event_id = new_id()
        self.outbox.append(
            OutboxRow(event_id, event.wire_name, event.stream, event.model_dump_json(), self._headers(event.subject))
        )
        return event_id

    def call_outside(self, kind: str, key: str, payload: Mapping[str, Any]) -> None:
        """
        Ask for *kind* to be done outside, once, after this transaction commits.

        Args:
            kind: What is to be done, a name in the service's `outside_calls.py`.
            key: Names the deed by business facts; asking again under the same key does nothing.
            payload: What is needed to do it, JSON values.
        """
        self._ask(
            "INSERT INTO outside_call (id, kind, key, payload, next_attempt_at, headers)"
            " VALUES (%s, %s, %s, %s, 'epoch', %s) ON CONFLICT (key) DO NOTHING",
            str(new_id()), kind, key, json.dumps(payload), self._headers(""),
        )  # fmt: skip

    def set_timer(self, kind: str, subject: object, due_at: datetime) -> None:
        """Run the use case of *kind* for *subject* at *due_at* (business time); setting again moves it."""
        self._ask(
            "INSERT INTO timer (id, kind, subject, due_at, headers) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (kind, subject) DO UPDATE SET due_at = EXCLUDED.due_at, attempts = 0",
            str(derived_id(kind, subject)), kind, str(subject), due_at, self._headers(""),
        )  # fmt: skip

    def cancel_timer(self, kind: str, subject: object) -> None:
        """
        Let the timer of *kind* for *subject* not run.

        One that is running at this moment is left alone: it waits for what we hold, and will find that
        what it was for has happened. Waiting for it here would be a deadlock.
        """
        self._ask(
            "DELETE FROM timer WHERE id = (SELECT id FROM timer WHERE kind = %s AND subject = %s"
            " FOR UPDATE SKIP LOCKED)",
            kind, str(subject),
        )  # fmt: skip

    def _ask(self, statement: str, *parameters: Any) -> None:
        self.asked.append((statement, parameters))

    def _headers(self, subject: str) -> str:
        cause = self.cause
        return json.dumps(
            {
                "subject": subject,
                "time": rfc3339(self.now),
                "correlationid": cause.correlation_id,
                "causationid": cause.causation_id,
                "actor": cause.actor,
                "traceparent": cause.traceparent,
            }
        )


def cause_of(headers: Mapping[str, Any], causation_id: str) -> Cause:
    """The cause that `UnitOfWork` wrote into *headers*, now behind *causation_id*."""
    return Cause(
        correlation_id=str(headers.get("correlationid") or causation_id),
        causation_id=causation_id,
        actor=str(headers.get("actor") or ""),
        traceparent=str(headers.get("traceparent") or ""),
    )


def closing(units: Sequence[UnitOfWork]) -> tuple[str, list[Any]]:
    """
    What *units* leave to be written, as one string of statements to be sent together with the COMMIT.

    Empty when there is nothing; else it ends with a semicolon.
    """
    rows = [row for unit in units for row in unit.outbox]
    statements: list[str] = []
    parameters: list[Any] = []
    if rows:
        values = ",".join(["(%s,%s,%s,%s,%s)"] * len(rows))
        statements.append(f"INSERT INTO outbox (event_id, type, stream, data, headers) VALUES {values}")
        for row in rows:
            parameters += (str(row.event_id), row.type, row.stream, row.data, row.headers)
    for unit in units:
        for statement, asked in unit.asked:
            statements.append(statement)
            parameters += asked
    return "".join(f"{statement};" for statement in statements), parameters
