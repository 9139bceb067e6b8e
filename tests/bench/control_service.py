"""The control for orders, second half: a Nameko service that does one insert and one COMMIT per call."""

import json
import uuid
from typing import Any, ClassVar

from nameko.rpc import rpc

from tests.bench.control_database import Connections


class ControlOrders:
    name: ClassVar = "bench_orders"

    connections = Connections()

    @rpc  # type: ignore[untyped-decorator]
    def place_order(self, body: dict[str, Any]) -> dict[str, Any]:
        order_id = str(uuid.uuid4())
        with self.connections() as connection, connection.cursor() as cursor:
            cursor.execute("INSERT INTO bench_order (order_id, body) VALUES (%s, %s)", (order_id, json.dumps(body)))
        return {"order_id": order_id, "state": "placed"}
