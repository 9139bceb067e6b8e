"""The controls' way to PostgreSQL: a plain psycopg2 connection per Nameko worker."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import eventlet.queue
import psycopg2
from nameko.extensions import DependencyProvider

from tests.bench.control import MAX_WORKERS


class Connections(DependencyProvider):  # type: ignore[misc]  # nameko has no types
    """Gives a worker `with self.connections() as connection`, and never makes it wait."""

    def setup(self) -> None:
        self.free: Any = eventlet.queue.LightQueue()
        for _ in range(MAX_WORKERS):
            self.free.put(psycopg2.connect(self.container.config["database_url"]))

    def get_dependency(self, _worker_ctx: Any) -> Any:
        return self.taken

    @contextmanager
    def taken(self) -> Iterator[Any]:
        held = self.free.get()
        try:
            with held:
                yield held
        finally:
            self.free.put(held)
