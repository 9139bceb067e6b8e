"""
A child process for heavy work: started by the first request, used again, ended when it is idle.

For native libraries that would stall a hub, keep a hundred megabytes or more once they were used, or may be
given something that never ends: typst (`render.py`), Saxon (invoicing's `einvoice_rules.py`). What is asked
must have no effect but its answer: a child may be killed at any point, and the question be put again.

    caller ── {"within_s": 30, "request": {…}} ──▶ python -m services.shared.chassis.child module:function
           ◀── {"answer": {…}} or {"failed": "traceback"} ──

One line of JSON each way, one request at a time; callers are threads, which wait for their turn.
"""

import atexit
import contextlib
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, cast

from services.shared.kernel.errors import Unavailable

ROOT = Path(__file__).parents[3]

IDLE_S = 60.0
IDLE_VARIABLE = "CHILD_IDLE_S"
"""For tests, which have less patience."""
RESIDENT_KB_MAX = 512 * 1024
"""A child that has grown beyond this ends after its answer: a fresh one costs less than what the library hoards."""
ORPHAN_S = 5.0
"""How long after its deadline a child lives on whose parent is no longer there to kill it."""


class ChildUnavailable(Unavailable):
    """The process that does the work died, or did not finish in time; try again."""

    code = "child_unavailable"


class ChildFailed(RuntimeError):
    """What was asked for cannot be done: a bug, or data that do not fit. The text is the child's traceback."""


class Child:
    """
    The child that runs *function* (`module:function`, `function(request) -> answer`, JSON values), and the line of
    threads in front of it.

    Args:
        address_space_b_max: Stops work that grows for ever before the machine does; none where a library
            reserves far more than it uses.
    """

    def __init__(self, function: str, *, address_space_b_max: int | None = None) -> None:
        self._command = [function, str(address_space_b_max or 0)]
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.end)

    def pid(self) -> int | None:
        """Process id of the running child, for measurements and tests; none while there is none."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def ask(self, request: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """
        What the function answers.

        Args:
            request: JSON values.
            timeout_s: For everything, the wait for an earlier request included.

        Raises:
            ChildUnavailable: The child died or the time was over.
            ChildFailed: The function raised.
        """
        deadline = time.monotonic() + timeout_s
        if not self._turn.acquire(timeout=max(0.0, timeout_s)):
            raise ChildUnavailable("other work is in front")
        try:
            # An idle child may end at the very moment it is asked; asking twice does no harm.
            for _ in range(2):
                answer = self._ask_once(request, deadline)
                if answer is not None:
                    break
            else:
                raise ChildUnavailable("the child keeps ending")
        finally:
            self._turn.release()
        if "failed" in answer:
            raise ChildFailed(answer["failed"])
        return cast("dict[str, Any]", answer["answer"])

    def _ask_once(self, request: Mapping[str, Any], deadline: float) -> dict[str, Any] | None:
        left_s = max(0.0, deadline - time.monotonic())
        envelope = {"within_s": left_s, "request": request}
        line = json.dumps(envelope, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        process = self._running()
        overdue = threading.Event()

        def end_overdue() -> None:
            overdue.set()
            process.kill()

        timer = threading.Timer(left_s, end_overdue)
        timer.daemon = True
        timer.start()
        answered = b""
        try:
            # Killing the child is what wakes these from a wait without end.
            with contextlib.suppress(BrokenPipeError):
                cast("IO[bytes]", process.stdin).write(line)
                cast("IO[bytes]", process.stdin).flush()
                answered = cast("IO[bytes]", process.stdout).readline()
        finally:
            timer.cancel()
        if answered.endswith(b"\n"):
            return cast("dict[str, Any]", json.loads(answered))
        # One that is ending by itself (idle, or grown too big) needs a moment to say so by its exit code.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        self.end()
        if overdue.is_set():
            raise ChildUnavailable("the work took too long")
        if process.returncode != 0:
            raise ChildUnavailable("the child died", exit_code=process.returncode)
        return None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.end()
            # It reads what comes from outside and needs no password of ours.
            environment = {name: value for name, value in os.environ.items() if not name.startswith("YIQI_")}
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, *self._command],
                cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
            # Or one that ended by itself would be a zombie until the next request.
            threading.Thread(target=self._process.wait, name="child's end", daemon=True).start()
        return self._process

    def end(self) -> None:
        """End the child, if there is one, and leave no pipe and no zombie behind."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                cast("IO[bytes]", pipe).close()
        process.wait()


def main(function: str, address_space_b_max: int) -> None:
    """The child itself: answer until nothing comes for a while, or the parent is gone."""
    import resource

    os.nice(10)  # a paper can wait a moment; whoever asks over HTTP should not
    if address_space_b_max:
        resource.setrlimit(resource.RLIMIT_AS, (address_space_b_max, address_space_b_max))
    requests = sys.stdin.buffer
    # Whatever a native library prints must not come between the lines of the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    idle_s = float(os.environ.get(IDLE_VARIABLE, IDLE_S))
    module, _, name = function.partition(":")
    run: Callable[[Any], Any] = getattr(importlib.import_module(module), name)
    while True:
        # The parent sends one line and waits, so nothing is hidden in the buffer while we select.
        if not select.select([requests], [], [], idle_s)[0]:
            return
        line = requests.readline()
        if not line:
            return
        envelope = json.loads(line)
        # Unhandled, the alarm ends the process even within native code. The parent is quicker, if it lives.
        signal.setitimer(signal.ITIMER_REAL, envelope["within_s"] + ORPHAN_S)
        try:
            answer = {"answer": run(envelope["request"])}
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # noqa: BLE001 - a panic in typst's Rust is no Exception, and just as much a bug
            answer = {"failed": traceback.format_exc()}
        signal.setitimer(signal.ITIMER_REAL, 0)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > RESIDENT_KB_MAX:
            return


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
