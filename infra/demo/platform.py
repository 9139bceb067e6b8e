"""The local stack as the demonstration and the journeys of tests use it: bring up, move time, look inside, kill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from infra.local import lifecycle, state, supervise
from infra.local.environment import (
    COMPANY_ACCOUNT,
    COMPANY_ADDRESS,
    COMPANY_BANK,
    COMPANY_CREDIT_CODE,
    COMPANY_NAME,
    COMPANY_NAME_EN,
    VHOST,
    broker_admin_url,
    gateway_url,
    platform_environment,
)
from infra.local.state import ROOT, Stack

SOURCES = ("identity", "catalog", "orders", "billing", "invoicing", "notify")


class CommandFailed(RuntimeError):
    """A command of the platform ended with an error; what it said is in the text."""


@dataclass
class Platform:
    """
    One local stack in *directory*.

    Attributes:
        offset: How far business time is ahead of the clock on the wall, as far as we know.
        settings: Added to the environment of `serve` and `work` at every start.
    """

    directory: Path
    offset: timedelta = field(default=timedelta(0))
    settings: Mapping[str, str] = field(default_factory=dict)

    def up(self) -> None:
        """Bring everything up, as `python -m infra.local up` does; nothing to do when it is up."""
        with state.alone(self.directory):
            stack = self.stack
            if self.settings:
                stack.overrides |= {program: dict(self.settings) for program in ("serve", "work")}
            lifecycle.up(stack)
        self.move_clock(timedelta(0))

    def down(self) -> None:
        with state.alone(self.directory):
            lifecycle.down(state.load(self.directory))

    def clean(self) -> None:
        """Stop it and throw its data away."""
        with state.alone(self.directory):
            lifecycle.clean(self.directory, self.stack)

    @property
    def stack(self) -> Stack:
        return state.load(self.directory)

    @property
    def base_url(self) -> str:
        return gateway_url(self.stack)

    @property
    def environment(self) -> dict[str, str]:
        """The platform's own variables."""
        return platform_environment(self.stack)

    @property
    def stripe_url(self) -> str:
        return self.environment["YIQI_STRIPE_API_BASE"]

    @property
    def mail_folder(self) -> Path:
        return self.directory / "mail"

    def run(self, module: str, *arguments: str) -> str:
        """
        Run a module of the platform with its environment. Returns what it printed.

        Raises:
            CommandFailed
        """
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT, env={**supervise.inherited_environment(), **self.environment}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise CommandFailed(f"{module} {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def create_admin(self, mail: str) -> str:
        """Found the operating company. Returns the secret of its administrator's one-time link."""
        told = self.run(
            "gateway", "create-admin", "--organisation", COMPANY_NAME, "--organisation-en", COMPANY_NAME_EN,
            "--uscc", COMPANY_CREDIT_CODE, "--mail", mail, "--name", "管理员 Administrator",
            "--address", COMPANY_ADDRESS, "--phone", "+86 10 0000 0000",
            "--bank-name", COMPANY_BANK, "--account-number", COMPANY_ACCOUNT,
        )  # fmt: skip
        return told.strip().rpartition("token=")[2]

    def move_clock(self, ahead: timedelta) -> None:
        """Move business time in every database."""
        told = self.run("services.shared.chassis", "clock", str(ahead.total_seconds()))
        offsets_s = {float(line.split()[-2]) for line in told.splitlines() if line.strip().endswith(" s")}
        if len(offsets_s) != 1:
            raise CommandFailed(f"the clocks of the services differ: {told}")
        self.offset = timedelta(seconds=offsets_s.pop())

    def now(self) -> datetime:
        """Business time."""
        return datetime.now(UTC) + self.offset

    def verify_chains(self) -> Mapping[str, int]:
        """
        Check the hash chain of each event log. Returns how many events each holds.

        Raises:
            CommandFailed: One is broken.
        """
        told = self.run("services.shared.chassis", "verify", *SOURCES)
        counts = {}
        for line in told.splitlines():
            source, _, rest = line.partition(": ")
            if rest.endswith("chain holds"):
                counts[source] = int(rest.split()[0])
        if set(counts) != set(SOURCES):
            raise CommandFailed(f"not every chain was verified: {told}")
        return counts

    def queued_messages(self) -> dict[str, int]:
        """Messages that wait at the broker, by queue; empty when none does."""
        with requests.Session() as session:
            session.trust_env = False
            found = session.get(f"{broker_admin_url(self.stack)}/api/queues/{VHOST}", timeout=10)
            found.raise_for_status()
            return {queue["name"]: queue["messages"] for queue in found.json() if queue.get("messages")}

    def pid_of(self, program: str) -> int:
        """The process of *program* (`serve`, `work`, `gateway`)."""
        pid = supervise.statuses(self.stack)[program].pid
        if pid is None:
            raise CommandFailed(f"{program} does not run")
        return pid

    def kill(self, program: str) -> None:
        """End *program* as a power cut does; the supervisor starts it again."""
        os.kill(self.pid_of(program), signal.SIGKILL)

    def restart(self, program: str, **environment: str) -> None:
        """Stop and start *program* in order, with *environment* added until its next restart by this."""
        with state.alone(self.directory):
            lifecycle.restart(self.stack, program, {**self.settings, **environment})

    def wait_for(self, programs: Sequence[str], timeout_s: float = 60.0) -> None:
        """
        Wait until *programs* answer.

        Raises:
            TimeoutError
        """
        deadline = time.monotonic() + timeout_s
        stack = self.stack
        planned = [one for one in lifecycle.all_programs(stack, lifecycle.install(stack)) if one.name in programs]
        while not lifecycle.is_complete(stack, planned):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{', '.join(programs)} did not come back in {timeout_s:.0f} s")
            time.sleep(0.2)
