"""
PostgreSQL: engines, transactions, and what its errors mean.

Connections are in autocommit and transactions are opened by hand, because psycopg2 otherwise spends
a round trip of its own on every BEGIN; here BEGIN travels with the first statement and COMMIT with
the last. `transaction()` is the only place that opens one.
"""

import contextlib
import select
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from io import StringIO
from typing import Any

import psycopg2
from sqlalchemy import Connection, Engine, Table, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from services.shared.chassis.clock import Clock, business
from services.shared.chassis.logs import logger
from services.shared.kernel.errors import Conflict, Unavailable

log = logger("database")

LOCK_TIMEOUT_MS = 4_000
"""A twin of a command waits this long for the first; then 409. Below every deadline of the gateway."""

IDLE_IN_TRANSACTION_MS = 120_000
"""A process that stopped in mid-transaction (SIGSTOP, a machine asleep) loses it and its locks after so long."""


def engine(url: str, *, name: str, pool_size: int) -> Engine:
    """An engine in autocommit. *name* shows in `pg_stat_activity`."""
    return create_engine(
        url.replace("postgresql://", "postgresql+psycopg2://", 1),
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_reset_on_return=None,  # nothing is open when a connection comes back: see transaction()
        connect_args={
            "application_name": name,
            "connect_timeout": 5,
            "keepalives_idle": 30,
            "options": f"-c lock_timeout={LOCK_TIMEOUT_MS} -c statement_timeout=60000 "
            f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS} -c timezone=UTC",
        },
    )


@contextlib.contextmanager
def connection(source: Engine) -> Iterator[Connection]:
    """
    A pooled connection without a transaction.

    A dead one is thrown away with every idle neighbour: after a restart of the database each would
    cost one failed request otherwise.

    Raises:
        Unavailable: The database cannot be reached, or went away meanwhile.
    """
    try:
        held = source.connect()
    except (DBAPIError, PoolTimeout) as error:
        raise Unavailable("the database does not answer") from error
    try:
        yield held
    except BaseException as error:
        if is_disconnect(error):
            held.invalidate()
            source.dispose()
            raise Unavailable("the database went away") from error
        _roll_back(held)
        raise
    finally:
        held.close()


@contextlib.contextmanager
def transaction(source: Engine, clock: Clock) -> Iterator[tuple[Connection, datetime]]:
    """One transaction: its connection and the business time that holds throughout. Commits at the end."""
    with connection(source) as held:
        offset_s = held.exec_driver_sql("BEGIN; SELECT offset_s FROM clock").scalar_one()
        yield held, business(clock.wall(), offset_s)
        held.exec_driver_sql("COMMIT")


def _roll_back(held: Connection) -> None:
    try:
        held.exec_driver_sql("ROLLBACK")
    except DBAPIError:
        held.invalidate()


def driver(held: Connection) -> Any:
    """The psycopg2 connection under *held*, for LISTEN and for statements of many rows."""
    return held.connection.driver_connection


_UNSAFE_IN_COPY = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copy_in(cursor: Any, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """
    Append many *rows* to *table*: half the work of an INSERT, for us and for PostgreSQL.

    Values are text, bytes, numbers, times and None. A row whose key is there already fails all of them.
    """
    lines = []
    for row in rows:
        fields = []
        for value in row:
            if value is None:
                fields.append("\\N")
            elif isinstance(value, bytes):
                fields.append(f"\\\\x{value.hex()}")
            elif isinstance(value, str):
                fields.append(value.translate(_UNSAFE_IN_COPY))
            else:
                fields.append(str(value))
        lines.append("\t".join(fields))
    lines.append("")
    cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", StringIO("\n".join(lines)))


def wait_for_notify(raw: Any, timeout_s: float, *others: Any) -> bool:
    """
    Sleep until the psycopg2 connection *raw* is notified, one of *others* is readable, or time is up.

    Returns:
        Whether something came.
    """
    if raw.notifies:
        raw.notifies.clear()
        return True
    ready, _, _ = select.select([raw, *others], [], [], timeout_s)
    raw.poll()
    came = bool(raw.notifies) or any(other in ready for other in others)
    raw.notifies.clear()
    return came


class ChangedMeanwhile(Conflict):
    """Somebody else changed this at the same time; read it again."""

    code = "changed_meanwhile"


def save_versioned(held: Connection, table: Table, key: Mapping[str, object], values: Mapping[str, object]) -> None:
    """
    Write *values* to the row of *key*, if it still has the version that *values* were read at.

    Raises:
        ChangedMeanwhile: It does not.
    """
    version = values["version"]
    conditions = [table.c[name] == value for name, value in key.items()]
    changed = held.execute(
        table.update().where(*conditions, table.c.version == version).values({**values, "version": table.c.version + 1})
    )
    if changed.rowcount != 1:
        raise ChangedMeanwhile


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE behind *error*, or none."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "pgcode", None)


def is_disconnect(error: BaseException) -> bool:
    """The connection is gone, as opposed to a statement that failed."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        error = error.orig or error
    if isinstance(error, psycopg2.InterfaceError):
        return True
    # An OperationalError without a state comes from libpq itself: refused, reset, timed out.
    code = getattr(error, "pgcode", None)
    return isinstance(error, psycopg2.OperationalError) and (code is None or code.startswith(("57P", "08")))


def world_failed(error: BaseException) -> bool:
    """
    Whether *error* is the world's fault and the same work may be tried again.

    Classes 08 connection, 40 rollback (deadlock, serialization), 53 resources, 57 operator
    intervention; 55P03 a lock not had in time.
    """
    code = sqlstate(error)
    if code is not None:
        return code[:2] in {"08", "40", "53", "57"} or code == "55P03"
    return is_disconnect(error)
