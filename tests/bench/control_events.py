"""
The control for events: Nameko's stock event handler, one insert and one COMMIT per event.

It keeps none of the guarantees: an event that comes twice acts twice or fails, a failing handler
loses its event, nothing keeps the order, and what the sender committed may never have been sent.
"""

from typing import Any, ClassVar

from nameko.events import SERVICE_POOL, event_handler

from tests.bench.control import EVENT, SOURCE
from tests.bench.control_database import Connections


class ControlConsumer:
    name: ClassVar = "bench_consumer"

    connections = Connections()

    @event_handler(SOURCE, EVENT, handler_type=SERVICE_POOL)  # type: ignore[untyped-decorator]
    def take(self, event: dict[str, Any]) -> None:
        with self.connections() as connection, connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO effect (event_id, stream, number) VALUES (%s, %s, %s)",
                (event["event_id"], f"order/{event['order_id']}", event["number"]),
            )
