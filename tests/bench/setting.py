"""The private stack under `var/bench`, and how large and how often things are measured on it."""

import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn, Self
from urllib.parse import urlsplit

import requests

from services.shared.chassis import topology
from services.shared.chassis.definition import HOSTED
from tests.kit.broker import Management
from tests.kit.platform import ROOT, ServiceDatabase, environment, local

FOLDER = "var/bench"
BROKER_USER = "bench"
"""May do everything on the bench's own broker: the controls declare their queues themselves, as Nameko does."""


@dataclass
class Setting:
    """
    Attributes:
        rounds: How often control and subject are measured, in turn.
        quick: A trial: small numbers, two rounds. Says that it works, not how fast.
        variables: YIQI_* of the stack; also set in `os.environ`.
    """

    rounds: int
    quick: bool
    variables: Mapping[str, str]
    bench_password: str = field(default_factory=lambda: secrets.token_hex(12))

    def sized(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    @property
    def broker(self) -> Management:
        return Management(self.variables["YIQI_BROKER_ADMIN_URL"], self.variables["YIQI_BROKER_VHOST"])

    @property
    def broker_url(self) -> str:
        """AMQP, as the user of the controls."""
        there = urlsplit(self.variables["YIQI_GATEWAY_BROKER_URL"])
        return f"amqp://{BROKER_USER}:{self.bench_password}@{there.hostname}:{there.port}{there.path}"

    def database(self, name: str) -> ServiceDatabase:
        prefix = f"YIQI_{name.upper()}"
        return ServiceDatabase(
            name, self.variables[f"{prefix}_DATABASE_URL"], self.variables[f"{prefix}_OWNER_DATABASE_URL"]
        )

    def alternating(self) -> Iterator[tuple[int, tuple[str, str]]]:
        """Rounds, each with the order in which its two sides are measured: what drifts hits both alike."""
        for number in range(self.rounds):
            yield number, (("control", "subject") if number % 2 == 0 else ("subject", "control"))


@contextmanager
def _alone() -> Iterator[None]:
    path = ROOT / "var" / "bench.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit("another bench or profile is running here; two would measure each other") from None
        yield


@contextmanager
def parts(*, rounds: int, quick: bool) -> Iterator[Setting]:
    """
    A fresh stack without the platform's processes; taken down whatever happens, and removed if all went well.

    What it leaves after a failure, `python -m infra.local clean --dir var/bench` removes.

    Raises:
        SystemExit: Another bench is running.
    """
    with _alone(), _fresh_parts(rounds, quick=quick) as made:
        yield made


@contextmanager
def _fresh_parts(rounds: int, *, quick: bool) -> Iterator[Setting]:
    # Being told to end must not leave servers behind, as Python's own way to end on this signal would.
    signal.signal(signal.SIGTERM, _told_to_end)
    local("clean", "--dir", FOLDER)
    try:
        local("up", "--no-platform", "--dir", FOLDER)
        variables = environment(FOLDER)
        os.environ.update(variables)
        made = Setting(rounds, quick, variables)
        # The broker's users and queues; of the bindings only the one that the bench uses, so that an event
        # is copied into one queue, as the control's is.
        admin_url, vhost, accounts = topology.from_environment()
        followed: dict[str, tuple[str, ...]] = dict.fromkeys(HOSTED, ()) | {"billing": ("orders",)}
        topology.apply(admin_url, vhost, topology.definitions(vhost, accounts, followed))
        made.broker.add_user(BROKER_USER, made.bench_password, write=".*", read=".*", configure=".*")
        yield made
    except BaseException:
        local("down", "--dir", FOLDER)
        raise
    local("clean", "--dir", FOLDER)


def _told_to_end(_signum: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)


class Child:
    """A process of the bench's own: ended when the `with` block is left."""

    def __init__(self, module: str, *arguments: str, **variables: str) -> None:
        self.log = ROOT / FOLDER / "log" / f"{module.rpartition('.')[2]}-{'-'.join(arguments)}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT, env={**os.environ, **variables}, stdout=output, stderr=output,
            )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        end(self.process)

    @property
    def pid(self) -> int:
        return self.process.pid


def end(process: subprocess.Popen[bytes]) -> None:
    """End *process* at once: what was measured is measured."""
    process.kill()
    process.wait()


def wait_for_http(url: str, timeout_s: float = 30) -> None:
    until = time.monotonic() + timeout_s
    while True:
        try:
            if requests.get(url, timeout=2).status_code < 500:
                return
        except requests.RequestException:
            pass
        if time.monotonic() > until:
            raise TimeoutError(f"nobody answers at {url}")
        time.sleep(0.1)


def free_ports(count: int) -> Sequence[int]:
    """Ports of 127.0.0.1 that nobody listens on at this moment."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return found
