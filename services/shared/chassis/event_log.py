"""
The log of a source: numbered without gaps, rendered once, chained by hash.

    hash(n) = sha256(hash(n - 1) || sha256(body(n)))        hash(0) = ''

The chain covers the hashes of the bodies, so a body with personal data can be erased one day and
the rest still verifies.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from services.shared.chassis import database
from services.shared.messages.registry import TYPE_PREFIX

PARTITION_ROWS = 10_000_000
COLUMNS = ("seq", "event_id", "type", "stream", "body", "body_sha256", "hash", "created_at")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the log; *body* is the CloudEvent's bytes as every consumer gets them."""

    seq: int
    event_id: UUID | str
    type: str
    stream: str
    body: bytes


def envelope(
    source: str, seq: int, event_id: str, wire_name: str, stream: str, data: str, headers: dict[str, Any]
) -> bytes:
    """
    A CloudEvent 1.0 in structured JSON (extensions: sequence, partitioning, correlation, tracing).

    *data* is JSON already and is put in as it is: rendering it again would cost time and could change it.
    """
    attributes = {
        "specversion": "1.0",
        "id": event_id,
        "source": f"/services/{source}",
        "type": TYPE_PREFIX + wire_name,
        "subject": headers["subject"],
        "time": headers["time"],
        "datacontenttype": "application/json",
        "dataschema": f"urn:yiqi:schema:{wire_name}",
        "sequence": f"{seq:020d}",
        "partitionkey": stream,
        "correlationid": headers["correlationid"],
        "causationid": headers["causationid"],
    }
    for optional in ("actor", "traceparent"):
        if headers.get(optional):
            attributes[optional] = headers[optional]
    return f'{json.dumps(attributes, ensure_ascii=False)[:-1]}, "data": {data}}}'.encode()


def append(cursor: Any, source: str, rows: Sequence[tuple[Any, ...]], last_seq: int, last_hash: bytes,
           created_at: datetime) -> tuple[list[Entry], bytes]:  # fmt: skip
    """
    Number *rows* of the outbox (event_id, type, stream, data, headers) after *last_seq* and store them.

    Returns:
        The entries and the new head of the chain.
    """
    entries = []
    values = []
    head = last_hash
    for seq, (event_id, wire_name, stream, data, headers) in enumerate(rows, start=last_seq + 1):
        body = envelope(source, seq, event_id, wire_name, stream, data, headers)
        digest = sha256(body).digest()
        head = sha256(head + digest).digest()
        entries.append(Entry(seq, event_id, wire_name, stream, body))
        values.append((seq, event_id, wire_name, stream, body, digest, head, created_at))
    _ensure_partition(cursor, last_seq, last_seq + len(rows))
    database.copy_in(cursor, "event_log", COLUMNS, values)
    return entries, head


def _ensure_partition(cursor: Any, last_seq: int, new_seq: int) -> None:
    # The run-time role may not create tables: a function of the owner does (chassis/schema.py), once,
    # when nine tenths of a partition are full.
    ahead = PARTITION_ROWS // 10
    if (last_seq + ahead) // PARTITION_ROWS != (new_seq + ahead) // PARTITION_ROWS:
        cursor.execute("SELECT ensure_event_log_partition(%s)", ((new_seq + ahead) // PARTITION_ROWS,))


def read(cursor: Any, after: int, limit: int, until: int | None = None) -> list[Entry]:
    """Entries with *after* < seq <= *until*, in order, at most *limit*."""
    cursor.execute(
        "SELECT seq, event_id, type, stream, body FROM event_log WHERE seq > %s AND seq <= %s ORDER BY seq LIMIT %s",
        (after, until if until is not None else 2**62, limit),
    )
    return [Entry(seq, event_id, kind, stream, bytes(body)) for seq, event_id, kind, stream, body in cursor]


class ChainBroken(Exception):
    """The log was changed: the entry of this number does not follow from the one before it."""

    def __init__(self, seq: int, reason: str) -> None:
        super().__init__(f"event {seq}: {reason}")
        self.seq = seq


def verify(rows: Iterable[tuple[int, bytes, bytes, bytes]]) -> Iterator[int]:
    """
    Check a whole chain, *rows* being (seq, body, body_sha256, hash) from the first on, in order.

    Yields:
        Each sequence number once it is proven.

    Raises:
        ChainBroken: At the first that is missing, altered or out of place.
    """
    head = b""
    expected = 1
    for seq, body, digest, stored in rows:
        if seq != expected:
            raise ChainBroken(expected, "is missing")
        if sha256(bytes(body)).digest() != bytes(digest):
            raise ChainBroken(seq, "its body was altered")
        head = sha256(head + bytes(digest)).digest()
        if head != bytes(stored):
            raise ChainBroken(seq, "its hash does not follow")
        yield seq
        expected += 1
