"""The SQLite file: one connection, one writer at a time, every commit on disk before it is answered."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.kit.stripe_simulator.books import SCHEMA, TABLES, Books, Emit
from tests.kit.stripe_simulator.config import Config
from tests.kit.stripe_simulator.errors import StripeError


class Store:
    """
    Args:
        deliver: Queues the webhook deliveries of an event.
    """

    def __init__(self, config: Config, deliver: Emit) -> None:
        self.config = config
        self.deliver = deliver
        self.lock = threading.RLock()
        self.sending = threading.Lock()
        self.changed = threading.Event()
        self.connection = sqlite3.connect(config.state_path, check_same_thread=False, isolation_level=None)
        # WAL without fsync per commit survives kill -9 of the process, which is what tests do to it.
        self.connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + SCHEMA)

    @contextmanager
    def books(self, *, account: str = "", request_id: str | None = None, key: str | None = None) -> Iterator[Books]:
        """One transaction. An exception takes it back, except a refusal that keeps its effect."""
        with self.lock:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                books = Books(self.connection, self.config, 0, self.deliver, "", request_id, key)
                now = int(time.time() + books.setting("clock_offset_s"))
                yield Books(self.connection, self.config, now, self.deliver, account, request_id, key)
            except BaseException as error:
                keeps = isinstance(error, StripeError) and error.keeps_effect
                self.connection.execute("COMMIT" if keeps else "ROLLBACK")
                raise
            else:
                self.connection.execute("COMMIT")
            finally:
                self.changed.set()

    def read(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self.lock:
            return self.connection.execute(sql, values).fetchall()

    def write(self, sql: str, values: tuple[Any, ...] = ()) -> None:
        with self.lock:
            self.connection.execute(sql, values)

    def reset(self) -> None:
        """Forget everything, the scripts and the clock too; a delivery on its way is waited for."""
        with self.sending, self.lock:
            for table in TABLES:
                self.connection.execute(f"DELETE FROM {table}")
