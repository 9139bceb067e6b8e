"""Connections that are slow, broken or of two minds, against the real gateway: limits hold, and it stays alive."""

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from services.shared.chassis import topology
from services.shared.chassis.definition import HOSTED
from tests.kit.platform import ROOT, ServiceDatabase, fresh_database
from tests.kit.waiting import wait_until

HEAD_TIMEOUT_S = 1.0
BODY_TIMEOUT_S = 1.0
MEGABYTE = 1024 * 1024
END = b"\r\n\r\n"


class Door:
    """Where the gateway listens."""

    def __init__(self, port: int, health_port: int) -> None:
        self.port = port
        self.health_port = health_port

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def say(self, raw: bytes) -> bytes:
        """Send *raw*; all that comes back until the gateway hangs up."""
        with self.connect() as link:
            link.sendall(raw)
            return heard(link)

    def metrics(self) -> list[str]:
        """What Prometheus would read."""
        with urlopen(f"http://127.0.0.1:{self.health_port}/metrics", timeout=10) as answer:
            found: list[str] = answer.read().decode().splitlines()
        return found

    def alive(self) -> bool:
        with contextlib.suppress(OSError):
            return self.say(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close" + END).startswith(b"HTTP/1.1 200")
        return False


def heard(link: socket.socket) -> bytes:
    """Everything until the other side hangs up, politely or not."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while part := link.recv(65_536):
            found += part
    return found


@pytest.fixture(scope="module")
def door(stack: dict[str, str]) -> Iterator[Door]:
    """The gateway as a process of its own, with less patience than it has in earnest."""
    database: ServiceDatabase = fresh_database(stack, "identity")
    assert database.name == "identity"
    admin_url, vhost, accounts = topology.from_environment()
    topology.apply(admin_url, vhost, topology.definitions(vhost, accounts, dict.fromkeys(HOSTED, ())))
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        port, health_port = one.getsockname()[1], other.getsockname()[1]
    environment = {
        **os.environ,
        "YIQI_GATEWAY_PORT": str(port),
        "YIQI_GATEWAY_HEALTH_PORT": str(health_port),
        "YIQI_GATEWAY_HEAD_TIMEOUT_S": str(HEAD_TIMEOUT_S),
        "YIQI_GATEWAY_BODY_TIMEOUT_S": str(BODY_TIMEOUT_S),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve"], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    made = Door(port, health_port)
    try:
        wait_until(made.alive)
        yield made
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(autouse=True)
def alive_afterwards(door: Door) -> Iterator[None]:
    """Whatever a test did, the next one is served."""
    yield
    assert door.alive()


def post(length: str, body: bytes = b"", path: bytes = b"/v1/organisations") -> bytes:
    head = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nIdempotency-Key: hostile\r\n"
    return head + length.encode() + END + body


def statuses(answer: bytes) -> list[int]:
    """Of every response in *answer*."""
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def code_of(answer: bytes) -> str:
    return str(json.loads(answer.partition(END)[2])["code"])


def test_a_head_that_drips_is_hung_up_on(door: Door) -> None:
    """A hundred connections send a byte now and then: others are served meanwhile, and none of them is kept."""
    links = [door.connect() for _ in range(100)]
    for link in links:
        link.setblocking(False)
        link.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    began = time.monotonic()
    open_links = set(links)

    def drip() -> bool:
        for link in list(open_links):
            try:
                link.send(b"a")
                if link.recv(1) == b"":
                    open_links.discard(link)
            except BlockingIOError:
                continue
            except OSError:
                open_links.discard(link)
        return not open_links

    assert door.alive()
    wait_until(drip, HEAD_TIMEOUT_S + 5)
    assert time.monotonic() - began >= HEAD_TIMEOUT_S * 0.9
    for link in links:
        link.close()


@pytest.mark.parametrize("requests_before", [0, 1])
def test_a_second_head_has_no_more_time_than_the_first(door: Door, requests_before: int) -> None:
    """Nor has a connection that says nothing at all."""
    with door.connect() as link:
        for _ in range(requests_before):
            ask(link)
            link.sendall(b"GET /healthz HT")
        began = time.monotonic()
        assert heard(link) == b""
        assert time.monotonic() - began < HEAD_TIMEOUT_S + 3


def test_a_connection_that_is_used_is_kept(door: Door) -> None:
    """The limit is on a head that is begun, not on the pause between two requests."""
    with door.connect() as link:
        for _ in range(2):
            ask(link)
            link.settimeout(HEAD_TIMEOUT_S * 1.2)
            with pytest.raises(TimeoutError):
                link.recv(1)


def ask(link: socket.socket) -> None:
    """One request on a connection that stays open, and its whole answer."""
    link.sendall(b"GET /healthz HTTP/1.1\r\nHost: x" + END)
    answer = b""
    while not answer.endswith(b"}"):
        answer += link.recv(65_536)
    assert statuses(answer) == [200]


def test_a_body_that_does_not_come_is_not_waited_for(door: Door) -> None:
    began = time.monotonic()
    answer = door.say(post("Content-Length: 1000", b'{"legal'))
    assert (statuses(answer), code_of(answer)) == ([408], "body_timeout")
    assert time.monotonic() - began < BODY_TIMEOUT_S + 3


def test_connections_cut_in_the_middle_of_a_body_leave_nothing_behind(door: Door) -> None:
    """Fifty resets; none of them is answered with a bug, and none registers anybody."""
    for _ in range(50):
        with door.connect() as link:
            link.sendall(post("Content-Length: 1000", b'{"kind": "customer", '))
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    served = [line for line in door.metrics() if line.startswith("yiqi_http_request_seconds_count")]
    assert served
    assert not [line for line in served if 'status="500"' in line]


@pytest.mark.parametrize("declared", [True, False])
def test_a_hundred_megabytes_are_not_taken(door: Door, *, declared: bool) -> None:
    """Refused by what is announced, or after the first megabyte; nobody reads the rest."""
    size = 100 * MEGABYTE
    block = b" " * 65_536
    sent = 0
    with door.connect() as link:
        link.sendall(post(f"Content-Length: {size}" if declared else "Transfer-Encoding: chunked"))
        with contextlib.suppress(OSError):
            while sent < size:
                link.sendall(block if declared else b"%x\r\n%s\r\n" % (len(block), block))
                sent += len(block)
        # What we sent after the answer may have reset it away; that we could not send all is what counts.
        answer = b""
        with contextlib.suppress(OSError):
            answer = heard(link)
    assert sent < 20 * MEGABYTE
    assert statuses(answer) in ([], [413])


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_json_that_nests_beyond_reason_is_refused(door: Door, opening: bytes) -> None:
    body = opening * 100_000
    answer = door.say(post(f"Content-Length: {len(body)}\r\nConnection: close", body))
    assert (statuses(answer), code_of(answer)) == ([422], "json_too_deep")


HIDDEN = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

TWO_MINDS: dict[str, bytes] = {
    "a length and chunks": post("Content-Length: 5\r\nTransfer-Encoding: chunked", b"0\r\n\r\n" + HIDDEN),
    "chunks and a length": post("Transfer-Encoding: chunked\r\nContent-Length: 5", b"0\r\n\r\n" + HIDDEN),
    "two lengths": post("Content-Length: 5\r\nContent-Length: 6", b"12345" + HIDDEN),
    "a list of lengths": post("Content-Length: 5, 6", b"12345" + HIDDEN),
    "a signed length": post("Content-Length: +5", b"12345" + HIDDEN),
    "another encoding": post("Transfer-Encoding: gzip, chunked", b"0\r\n\r\n" + HIDDEN),
    "two encodings": post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", b"0\r\n\r\n" + HIDDEN),
    "a blank before the colon": post("Content-Length : 5", b"12345" + HIDDEN),
    "a chunk of no length": post("Transfer-Encoding: chunked", b"zz\r\n\r\n" + HIDDEN),
    "a head without end": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 200_000,
}


@pytest.mark.parametrize("name", TWO_MINDS)
def test_a_request_of_two_minds_is_refused_and_hides_no_second_one(door: Door, name: str) -> None:
    """One refusal, then the connection is closed: what follows is never read as a request of its own."""
    answer = door.say(TWO_MINDS[name])
    assert len(statuses(answer)) <= 1, answer
    assert all(400 <= status < 600 and status != 500 for status in statuses(answer)), answer
