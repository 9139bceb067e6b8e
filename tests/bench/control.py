"""
Runs a control under Nameko as it comes: one process, ten workers, a prefetch of ten.

    python -m tests.bench.control events | service
"""

import sys
from collections.abc import Sequence

MAX_WORKERS = 10
"""Nameko's own default, and its prefetch follows it."""

SOURCE = "bench_source"
EVENT = "order_in_progress"
QUEUE = f"evt-{SOURCE}-{EVENT}--bench_consumer.take"
"""As Nameko names them: what the bench publishes, and where it waits."""

EFFECT_TABLE = """
DROP TABLE IF EXISTS effect;
CREATE TABLE effect (id bigserial PRIMARY KEY, event_id uuid UNIQUE, stream text NOT NULL, number text NOT NULL);
"""
"""The same as the probe's, with the same indexes."""

ORDER_TABLE = """
DROP TABLE IF EXISTS bench_order;
CREATE TABLE bench_order (order_id uuid PRIMARY KEY, placed_at timestamptz NOT NULL DEFAULT now(), body jsonb NOT NULL);
"""


def main(arguments: Sequence[str]) -> int:
    import eventlet

    # Before anything else is loaded, as `nameko run` does: sockets and psycopg2 give way to other workers.
    eventlet.monkey_patch()

    import os

    from nameko.containers import ServiceContainer

    if arguments[0] == "events":
        from tests.bench.control_events import ControlConsumer as Service
    else:
        from tests.bench.control_service import ControlOrders as Service  # type: ignore[assignment]
    config = {
        "AMQP_URI": os.environ["BENCH_BROKER_URL"],
        "max_workers": MAX_WORKERS,
        "database_url": os.environ["BENCH_DATABASE_URL"],
    }
    container = ServiceContainer(Service, config)
    container.start()
    container.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
