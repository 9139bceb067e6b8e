"""What waits in the databases of the hosted services, counted when Prometheus asks `work`."""

from collections.abc import Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Engine

from services.shared.chassis import database
from services.shared.kernel.errors import Unavailable

# Each is counted in a partial index, which holds only what is not done.
WAITING = """
SELECT 'inbox', status, count(*) FROM inbox WHERE status <> 'done' GROUP BY status
UNION ALL
SELECT 'outside_call', status, count(*) FROM outside_call WHERE status IN ('ready', 'sent', 'unknown') GROUP BY status
UNION ALL
SELECT 'outbox', 'ready', count(*) FROM outbox
UNION ALL
SELECT 'event_log', 'unpublished', last_seq - published_seq FROM relay
"""
ALWAYS = (
    ("inbox", "ready"), ("inbox", "parked"), ("outside_call", "ready"), ("outside_call", "sent"),
)  # fmt: skip
"""Told as 0 where there are none: an alarm on what is absent would never ring."""


class Backlog(Collector):
    """`yiqi_waiting{service,table,status}`; every `work` of a service tells the same, so take the maximum."""

    def __init__(self, engines: Mapping[str, Engine]) -> None:
        self._engines = engines

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Without it the registry would ask the databases once when the collector is registered."""
        yield _family()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = _family()
        for service, engine in self._engines.items():
            counts = dict.fromkeys(ALWAYS, 0)
            try:
                with database.connection(engine) as held:
                    counts |= {(table, status): count for table, status, count in held.exec_driver_sql(WAITING)}
            except Unavailable:
                continue  # `/readyz` says so
            for (table, status), count in counts.items():
                family.add_metric([service, table, status], count)
        yield family


def _family() -> GaugeMetricFamily:
    return GaugeMetricFamily("yiqi_waiting", "Rows that are not done", labels=["service", "table", "status"])
