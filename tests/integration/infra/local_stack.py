"""The stack's command line as a user calls it, for tests."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local import state, supervise

NOBODY = "nobody"


@dataclass(frozen=True)
class Answer:
    """What a command printed (stdout and stderr) and its exit code."""

    code: int
    out: str
    told: str


@dataclass(frozen=True)
class LocalStack:
    """One instance directory; *account* runs the commands when given."""

    directory: Path
    python: str = sys.executable
    account: str | None = None
    env: Mapping[str, str] | None = None

    def run(self, *arguments: str, env: Mapping[str, str] | None = None, timeout_s: float = 150) -> Answer:
        command = [self.python, "-m", "infra.local", *arguments, "--dir", str(self.directory)]
        environment = {**(os.environ if self.env is None else self.env), **(env or {})}
        identity: dict[str, Any] = {}
        if self.account is not None:
            identity = {"user": self.account, "group": "nogroup", "extra_groups": []}
        done = subprocess.run(
            command, cwd=state.ROOT, env=environment, capture_output=True, text=True, check=False,
            timeout=timeout_s, **identity,
        )  # fmt: skip
        return Answer(done.returncode, done.stdout, done.stderr)

    def must(self, *arguments: str, env: Mapping[str, str] | None = None) -> Answer:
        answer = self.run(*arguments, env=env)
        assert answer.code == 0, answer.told + answer.out
        return answer

    def pids(self) -> dict[str, int]:
        """The pids of the programs that run; asks the supervisor directly, because tests ask often."""
        return {name: status.pid for name, status in supervise.statuses(self.state()).items() if status.pid}

    def environment(self) -> dict[str, str]:
        lines = self.must("env").out.splitlines()
        return {key: value.strip("'") for key, _, value in (line.partition("=") for line in lines)}

    def state(self) -> state.Stack:
        return state.load(self.directory)
