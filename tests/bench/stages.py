"""The parts of the way of an event, each alone, against py-amqp alone; and PostgreSQL alone."""

import json
import re
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench import control_amqp
from tests.bench.control import EFFECT_TABLE
from tests.bench.events import DRAIN_TIMEOUT_S, POLL_S, Effects, commit_backlog
from tests.bench.figures import Figure
from tests.bench.setting import FOLDER, Setting, end
from tests.kit import probe
from tests.kit.platform import ROOT, ServiceDatabase

BODY_BYTES = 650
CLIENTS = 10


def run_amqp(setting: Setting, progress: Callable[[str], None]) -> list[Figure]:
    """Relay, receiver and handlers one after the other over the same backlog, each in a process of its own."""
    count = setting.sized(30_000, 2_000)
    publish = Figure("amqp_publish_per_s", "1/s")
    consume = Figure("amqp_consume_per_s", "1/s")
    relay = Figure("relay_alone_per_s", "1/s", "py-amqp publish")
    receiver = Figure("receiver_alone_per_s", "1/s", "py-amqp consume")
    handlers = Figure("handlers_alone_per_s", "1/s")
    for number, order in setting.alternating():
        for side in order:
            if side == "control":
                publish.add(control_amqp.publish(setting.broker_url, count, b"x" * BODY_BYTES))
                consume.add(control_amqp.consume(setting.broker_url, count))
            else:
                prepare_backlog(setting, count)
                alone = {part: rate(setting, part, count) for part in STAGES}
        relay.add(alone["relay"], publish.values[-1])
        receiver.add(alone["receiver"], consume.values[-1])
        handlers.add(alone["handlers"])
        told = ", ".join(f"{part} {per_s:,.0f}/s" for part, per_s in alone.items())
        progress(f"amqp {number + 1}: publish {publish.values[-1]:,.0f}/s, consume {consume.values[-1]:,.0f}/s; {told}")
    return [publish, consume, relay, receiver, handlers]


def prepare_backlog(setting: Setting, count: int) -> None:
    """Empty databases and queues, and *count* events in the source's outbox."""
    source, consumer = setting.database("orders"), setting.database("billing")
    probe.prepare(source, consumer)
    for queue in ("billing.inbox", "billing.parked", "orders.repair", "events.unrouted"):
        setting.broker.purge(queue)
    commit_backlog(setting, count, count // 5)


STAGES = {
    "relay": ("orders", "SELECT published_seq FROM relay"),
    "receiver": ("billing", "SELECT coalesce(max(contiguous_seq), 0) FROM inbox_source"),
    "handlers": ("billing", "SELECT max(id) FROM effect"),
}
"""In the order in which an event passes them: whose they are, and how far they are."""


def rate(setting: Setting, part: str, count: int) -> float:
    """Events per second of *part* alone, from its first progress to its last, so that its start is left out."""
    name, progress = STAGES[part]
    target = setting.database(name)
    process = probe.start(name, part, YIQI_LOG_LEVEL="warning")
    try:
        with closing(Effects(target.url)) as seen:
            until = time.monotonic() + DRAIN_TIMEOUT_S
            began, first = 0.0, 0
            while time.monotonic() < until:
                done, now = seen.one(progress), time.perf_counter()
                if done and not first:
                    began, first = now, done
                if done >= count:
                    return (count - first) / (now - began) if now > began else float(count) / POLL_S
                time.sleep(POLL_S)
            raise TimeoutError(f"{part}: {done} of {count}")
    finally:
        end(process)


def run_pgbench(setting: Setting, progress: Callable[[str], None]) -> list[Figure]:
    """The controls' insert, one COMMIT each, with nothing around it: what the disk and PostgreSQL allow."""
    program = pgbench_program()
    if program is None:
        progress("pgbench is not installed: left out")
        return []
    single = Figure("pgbench_insert_1_client_per_s", "1/s")
    several = Figure(f"pgbench_insert_{CLIENTS}_clients_per_s", "1/s")
    target = setting.database("billing")
    for number in range(setting.rounds):
        target.change(EFFECT_TABLE)
        single.add(_pgbench_rate(program, target, 1, setting.sized(5, 2)))
        several.add(_pgbench_rate(program, target, CLIENTS, setting.sized(5, 2)))
        progress(f"pgbench {number + 1}: {single.values[-1]:,.0f}/s, {CLIENTS} clients {several.values[-1]:,.0f}/s")
    return [single, several]


INSERT = (
    "INSERT INTO effect (event_id, stream, number)"
    " VALUES (gen_random_uuid(), 'order/01890000-0000-7000-8000-000000000000', 'n1');\n"
)


def pgbench_program() -> Path | None:
    """Where it is, or none."""
    chosen = json.loads((ROOT / FOLDER / "stack.json").read_text())
    # Where the server's own programs are links, pgbench stands beside what they lead to.
    found = (Path(chosen["postgres_bin"]) / "postgres").resolve().parent / "pgbench"
    return found if found.exists() else None


def _pgbench_rate(program: Path, target: ServiceDatabase, clients: int, seconds: int) -> float:
    there = urlsplit(target.url)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(INSERT)
        script.flush()
        done = subprocess.run(
            [str(program), "--no-vacuum", "--client", str(clients), "--jobs", "1", "--time", str(seconds),
             "--file", script.name, "--host", str(there.hostname), "--port", str(there.port),
             "--username", str(there.username), there.path.lstrip("/")],
            env={"PGPASSWORD": str(there.password), "PATH": "/usr/bin:/bin"},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    if found is None:
        raise ValueError(f"pgbench said: {done.stdout}")
    return float(found[1])
