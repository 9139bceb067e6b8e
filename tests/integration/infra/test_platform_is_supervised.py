"""
The order in which the platform comes up, and what supervises it.

A copy of infra/ in a checkout of its own, with programs of a few lines in place of the platform: what is tested is
the stack, not the platform, and no part needs to run for it.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local import state, supervise
from infra.local.programs import SERVICES

PROGRAM = """
import os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

with open(os.environ["STACK_TEST_CALLS"], "a") as calls:
    calls.write(" ".join(sys.argv[1:]) + " " + os.environ["YIQI_ORDERS_DATABASE_URL"].partition("@")[0] + "\\n")
command = sys.argv[1]
if command == os.environ.get("STACK_TEST_FAILS"):
    sys.exit("the test wants this to fail")
if command not in ("topology", "migrate"):
    variable = {"serve": "YIQI_SERVE_PORT", "work": "YIQI_WORK_PORT"}[command]
    if sys.argv[0].endswith("gateway/__main__.py"):
        variable = "YIQI_GATEWAY_PORT"

    class Health(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/healthz" else 404)
            self.end_headers()
            self.wfile.write(" ".join(sys.argv[1:]).encode())

        def log_message(self, *arguments):
            pass

    HTTPServer(("127.0.0.1", int(os.environ[variable])), Health).serve_forever()
"""


class Checkout:
    """A checkout with the stack and a pretended platform."""

    def __init__(self, root: Path) -> None:
        self.root, self.calls = root, root / "calls"
        shutil.copytree(state.ROOT / "infra", root / "infra", ignore=shutil.ignore_patterns("__pycache__"))
        modules = ["gateway", "gateway.identity", "services.shared.chassis", *(f"services.{name}" for name in SERVICES)]
        for module in modules:
            folder = root.joinpath(*module.split("."))
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "__main__.py").write_text(PROGRAM)

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(self.root), "STACK_TEST_CALLS": str(self.calls), **env}
        return subprocess.run(
            [sys.executable, "-m", "infra.local", *arguments],
            cwd=self.root, env=environment, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip

    def must(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr + done.stdout
        return done

    def said(self) -> list[list[str]]:
        return [line.split() for line in self.calls.read_text().splitlines()]

    def running(self) -> dict[str, int]:
        stack = state.load(self.root / "var")
        found = supervise.statuses(stack).values() if supervise.is_up(stack) else ()
        return {status.name: status.pid for status in found if status.state == "RUNNING" and status.pid}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    made = Checkout(tmp_path_factory.mktemp("check out ;#1"))
    try:
        yield made
    finally:
        made.run("clean")


def test_topology_then_migrations_then_programs(checkout: Checkout) -> None:
    checkout.must("up", "--only", "platform")
    said = checkout.said()
    commands = [call[0] for call in said]
    assert commands[:7] == ["topology", *["migrate"] * 6]
    assert sorted(commands[7:]) == ["serve", "serve", "work"]
    assert ["work", "identity", *SERVICES] in [call[:-1] for call in said]
    stack = state.load(checkout.root / "var")
    assert {call[-1] for call in said} == {f"postgresql://orders:{stack.secrets['database orders']}"}
    assert checkout.running().keys() == {"serve", "work", "gateway"}
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.ports['gateway']}/healthz", timeout=5) as answer:
        assert answer.read() == b"serve"


def test_killed_program_comes_back(checkout: Checkout) -> None:
    before = checkout.running()
    os.kill(before["work"], signal.SIGKILL)
    deadline = time.monotonic() + 20
    while (after := checkout.running()).get("work") in {None, before["work"]}:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert {name: pid for name, pid in after.items() if name != "work"} == {
        name: pid for name, pid in before.items() if name != "work"
    }


def test_split_runs_one_process_per_service_and_back(checkout: Checkout) -> None:
    gateway = checkout.running()["gateway"]
    checkout.must("up", "--only", "platform", "--split")
    split = checkout.running()
    expected = {f"serve-{name}" for name in SERVICES} | {f"work-{name}" for name in ("identity", *SERVICES)}
    assert split.keys() == expected | {"gateway"}
    assert split["gateway"] == gateway
    assert "already up" in checkout.must("up", "--only", "platform").stderr
    checkout.must("up", "--only", "platform", "--no-split")
    assert checkout.running().keys() == {"serve", "work", "gateway"}


def test_failing_migration_stops_up_and_shows_why(checkout: Checkout) -> None:
    checkout.must("down")
    answer = checkout.run("up", "--only", "platform", STACK_TEST_FAILS="migrate")
    assert answer.returncode == 1
    assert "the test wants this to fail" in answer.stderr
    assert checkout.running() == {}


def test_program_that_never_answers_is_told_with_its_log(checkout: Checkout) -> None:
    checkout.must("down")
    gateway = checkout.root / "gateway" / "__main__.py"
    gateway.write_text("import sys\nif sys.argv[1] == 'serve':\n    sys.exit('no portal today')\n")
    answer = checkout.run("up", "--only", "platform")
    assert answer.returncode == 1
    assert "no portal today" in answer.stderr
    assert "gateway did not answer" in answer.stderr
