"""A child that does heavy work: kept while it is used, ended when idle, harmless when it dies."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.shared.chassis.child import IDLE_VARIABLE, Child, ChildFailed, ChildUnavailable
from tests.kit.waiting import wait_until


@pytest.fixture
def child() -> Iterator[Child]:
    made = Child("tests.kit.heavy_work:answer")
    yield made
    made.end()


def test_one_child_answers_again_and_again(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts with the first request, is used again, and is given no password."""
    monkeypatch.setenv("YIQI_ORDERS_DATABASE_URL", "secret")
    assert child.pid() is None
    first, second = child.ask({"say": "字"}, 10), child.ask({"say": "b"}, 10)
    assert (first["said"], second["said"]) == ("字", "b")
    assert first["pid"] == second["pid"] == child.pid() != os.getpid()
    assert first["secrets"] == []


def test_what_a_library_prints_is_no_answer(child: Child) -> None:
    """Native code writes to standard output as it likes."""
    assert child.ask({"print": '{"answer": "wrong"}\n', "say": "right"}, 10)["said"] == "right"


def test_a_bug_is_told_from_an_outage(child: Child) -> None:
    """What the function raises comes back as text, and the child goes on."""
    with pytest.raises(ChildFailed, match="ValueError: no"):
        child.ask({"raise": "no"}, 10)
    assert child.ask({"say": "next"}, 10)["said"] == "next"


def test_a_child_killed_at_work_is_an_outage_and_the_next_question_is_answered(child: Child) -> None:
    """Nobody hears half an answer."""
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(child.ask, {"wait_s": 30}, 60)
        wait_until(lambda: child.pid() is not None)
        pid = child.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(ChildUnavailable, match="died") as caught:
            asked.result(10)
    assert caught.value.facts["exit_code"] == -signal.SIGKILL
    assert child.ask({"say": "again"}, 10)["said"] == "again"


def test_a_child_killed_between_questions_is_not_noticed(child: Child) -> None:
    """The next one starts another."""
    pid = child.ask({}, 10)["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: child.pid() is None)
    assert child.ask({}, 10)["pid"] != pid


def test_a_child_that_ends_by_itself_is_asked_once_more(child: Child) -> None:
    """It may become idle at the very moment it is asked; one that always ends is given up."""
    with pytest.raises(ChildUnavailable, match="keeps ending"):
        child.ask({"exit": 0}, 10)
    with pytest.raises(ChildUnavailable, match="died"):
        child.ask({"exit": 3}, 10)


def test_work_that_never_ends_is_given_up_at_its_deadline(child: Child) -> None:
    """The child goes with it."""
    started = time.monotonic()
    with pytest.raises(ChildUnavailable, match="too long"):
        child.ask({"wait_s": 60}, 1)
    assert time.monotonic() - started < 5
    assert child.pid() is None


def test_waiting_for_others_counts(child: Child) -> None:
    """A caller has one deadline, wherever it waits."""
    slow = threading.Thread(target=child.ask, args=({"wait_s": 2}, 10))
    slow.start()
    wait_until(lambda: child.pid() is not None)
    with pytest.raises(ChildUnavailable, match="in front"):
        child.ask({}, 0.2)
    slow.join()


def test_an_idle_child_ends(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    """And gives back its memory; the next request starts another."""
    monkeypatch.setenv(IDLE_VARIABLE, "0.3")
    pid = child.ask({}, 10)["pid"]
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), timeout_s=10)  # not even a zombie
    assert child.ask({}, 10)["pid"] != pid


ORPHAN = """
import os, sys, threading
from services.shared.chassis.child import Child
child = Child("tests.kit.heavy_work:answer")
threading.Thread(target=child.ask, args=({"wait_s": 600}, 1), daemon=True).start()
while child.pid() is None:
    pass
print(child.pid(), flush=True)
os.kill(os.getpid(), 9)
"""


def test_a_child_at_work_does_not_outlive_its_parent_for_long() -> None:
    """Its parent was killed before it could end it: the alarm does, some seconds after the deadline."""
    parent = subprocess.run([sys.executable, "-c", ORPHAN], capture_output=True, check=False, timeout=20)
    assert parent.returncode == -signal.SIGKILL
    orphan = Path(f"/proc/{int(parent.stdout)}")
    wait_until(lambda: not orphan.exists() or "Z" in (orphan / "stat").read_text().split()[2], timeout_s=15)
