"""
The load generator: a few keep-alive connections, each sending its next request as soon as it has its answer.

One thread over raw sockets with prepared bytes, in a process of its own, so that it takes as little as
possible of the cores that it shares with what is measured. `ceiling` says what it can do itself.

    echo '{"port": …, …}' | python -m tests.bench.load          prints what it saw as JSON
"""

import json
import selectors
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from tests.bench.figures import percentile
from tests.bench.setting import Child, free_ports
from tests.kit.platform import ROOT

CONNECTIONS = 8


@dataclass(frozen=True)
class Wanted:
    """
    What to send: POSTs of *body* to *path*, each with an idempotency key of its own.

    Attributes:
        warm_up_s: Sent and not counted.
    """

    port: int
    path: str
    body: str
    headers: Mapping[str, str]
    seconds: float
    warm_up_s: float = 1.0
    connections: int = CONNECTIONS


@dataclass(frozen=True)
class Seen:
    """
    What came of it, after the warm-up.

    Attributes:
        failed: Answers other than 2xx, of all requests.
        statuses: How many answers had each status, of all requests.
    """

    per_s: float
    p50_ms: float
    p99_ms: float
    answered: int
    failed: int
    statuses: Mapping[str, int]


@dataclass
class _Connection:
    socket: socket.socket
    sent_at: float = 0.0
    received: bytearray = field(default_factory=bytearray)


def load(wanted: Wanted) -> Seen:
    """Press for as long as *wanted* says."""
    head = f"POST {wanted.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in wanted.headers.items())
    body = wanted.body.encode()
    before = f"{head}Content-Length: {len(body)}\r\nIdempotency-Key: ".encode()
    run = uuid.uuid4().hex
    latencies: list[float] = []
    statuses: dict[str, int] = {}
    number = 0
    selector = selectors.DefaultSelector()
    clock = time.perf_counter

    def send(connection: _Connection) -> None:
        nonlocal number
        number += 1
        connection.sent_at = clock()
        connection.socket.sendall(b"%b%b-%d\r\n\r\n%b" % (before, run.encode(), number, body))

    for _ in range(wanted.connections):
        made = _Connection(socket.create_connection(("127.0.0.1", wanted.port)))
        made.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(made.socket, selectors.EVENT_READ, made)
    counted_from = clock() + wanted.warm_up_s
    until = counted_from + wanted.seconds
    for key in list(selector.get_map().values()):
        send(key.data)
    while clock() < until:
        for key, _ in selector.select(1.0):
            connection: _Connection = key.data
            part = connection.socket.recv(65536)
            if not part:
                raise ConnectionError("the server closed a connection")
            connection.received += part
            status = _take_answer(connection.received)
            if status is None:
                continue
            now = clock()
            statuses[status] = statuses.get(status, 0) + 1
            if connection.sent_at >= counted_from:
                latencies.append((now - connection.sent_at) * 1000)
            send(connection)
    taken_s = clock() - counted_from
    for key in list(selector.get_map().values()):
        key.data.socket.close()
    latencies.sort()
    failed = sum(count for status, count in statuses.items() if not status.startswith("2"))
    return Seen(
        per_s=len(latencies) / taken_s,
        p50_ms=percentile(latencies, 50),
        p99_ms=percentile(latencies, 99),
        answered=len(latencies),
        failed=failed,
        statuses=statuses,
    )


def _take_answer(received: bytearray) -> str | None:
    """The status of the answer in *received*, which is then taken out; none while it is not whole."""
    end_of_head = received.find(b"\r\n\r\n")
    if end_of_head < 0:
        return None
    head = bytes(received[:end_of_head]).lower()
    at = head.find(b"\r\ncontent-length:")
    if at < 0:
        raise ValueError(f"an answer without a length: {head!r}")
    size = int(head[at + 17 :].split(b"\r\n", 1)[0])
    whole = end_of_head + 4 + size
    if len(received) < whole:
        return None
    del received[:whole]
    return head[9:12].decode()


def in_a_process(wanted: Wanted) -> Seen:
    """`load` in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load"],
        cwd=ROOT, input=json.dumps(asdict(wanted)), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"the load generator failed:\n{done.stderr}")
    return Seen(**json.loads(done.stdout))


def ceiling(seconds: float) -> Seen:
    """What the generator reaches against a server that does nothing: far above what is measured, or it counts."""
    (port,) = free_ports(1)
    with Child("tests.bench.trivial_http", str(port)):
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
        return in_a_process(Wanted(port, "/", "{}", {}, seconds, warm_up_s=0.3))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(load(Wanted(**json.loads(sys.stdin.read()))))))
