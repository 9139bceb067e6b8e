"""The probe's source and consumer on empty databases and empty queues."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from subprocess import Popen

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Engine

from services.shared.chassis import topology
from services.shared.chassis import work as hosting
from services.shared.chassis.definition import HOSTED
from tests.kit import probe
from tests.kit.broker import Management
from tests.kit.platform import ServiceDatabase


@dataclass
class Pair:
    """A source (orders) and a consumer (billing), with what runs of them."""

    source: ServiceDatabase
    consumer: ServiceDatabase
    broker: Management
    running: list[Popen[bytes]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)
    engines: list[Engine] = field(default_factory=list)

    def start(self, name: str, parts: str = "", **environment: str) -> Popen[bytes]:
        process = probe.start(name, parts, **environment)
        self.running.append(process)
        return process

    def run(self, name: str, parts: str = "") -> None:
        """Likewise, in threads of this process: quicker, where nothing is to be killed."""
        definition = {"orders": probe.SOURCE, "billing": probe.WHOLE_CONSUMER}[name]
        chosen = parts.split(",") if parts else hosting.PARTS
        threads, engine = hosting.start(definition, definition.settings(), self.stop, chosen)
        self.threads += threads
        self.engines.append(engine)

    def stop_all(self) -> None:
        """End what runs in threads of this process; `run` may start it again."""
        self.stop.set()
        for thread in self.threads:
            thread.join(30)
        for engine in self.engines:
            engine.dispose()
        self.stop, self.threads, self.engines = threading.Event(), [], []

    def effects(self) -> list[str]:
        """Numbers of the events that took effect, in the order in which they did."""
        return [str(row[0]) for row in self.consumer.rows("SELECT number FROM effect ORDER BY id")]

    def failures(self, loop: str) -> float:
        """How often a part that runs in threads of this process failed and was started again: `orders relay`."""
        return REGISTRY.get_sample_value("yiqi_loop_failures_total", {"loop": loop}) or 0.0

    def sessions(self, name: str) -> int:
        """Connections that `work` of *name* has to its database."""
        side = {"orders": self.source, "billing": self.consumer}[name]
        found = side.rows("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", (f"work {name}",))
        return int(str(found[0][0]))

    def inbox(self, status: str) -> int:
        return int(str(self.consumer.rows("SELECT count(*) FROM inbox WHERE status = %s", (status,))[0][0]))


def apply_topology() -> Management:
    """Give the broker its topology; every service follows every source."""
    admin_url, vhost, accounts = topology.from_environment()
    everything = {name: tuple(other for other in topology.SOURCES if other != name) for name in HOSTED}
    topology.apply(admin_url, vhost, topology.definitions(vhost, accounts, everything))
    return Management(admin_url, vhost)


@pytest.fixture(scope="session")
def broker(stack: dict[str, str]) -> Management:
    return apply_topology()


@pytest.fixture
def pair(stack: dict[str, str], broker: Management) -> Iterator[Pair]:
    def side(name: str) -> ServiceDatabase:
        prefix = f"YIQI_{name.upper()}"
        return ServiceDatabase(name, stack[f"{prefix}_DATABASE_URL"], stack[f"{prefix}_OWNER_DATABASE_URL"])

    source, consumer = side("orders"), side("billing")
    probe.prepare(source, consumer)
    for queue in ("billing.inbox", "billing.parked", "orders.repair", "events.unrouted"):
        broker.purge(queue)
    made = Pair(source, consumer, broker)
    yield made
    made.stop.set()
    for process in made.running:
        process.kill()
        process.wait()
    made.stop_all()
    # A second effect would violate the key of the table of effects and so be parked: no count of effects shows it.
    doubled = consumer.rows("SELECT seq, type FROM inbox WHERE last_error LIKE '%UniqueViolation%'")
    assert doubled == []


@pytest.fixture
def wait() -> Callable[[Callable[[], bool], float], None]:
    from tests.kit.waiting import wait_until

    return wait_until
