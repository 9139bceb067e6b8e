"""
The one port to PDF: a typst template and plain data in, archivable PDF bytes out.

Typst runs in a child process (`render_child.py`): it is native code that would stall a hub, holds
some 100 MB and may be asked to set a document that never ends. The child starts with the first
document, is used again, ends by itself after 60 s without work and is killed at the deadline.
Callers are threads of `work`; documents are set one after the other.

Data reaches a template as JSON in `sys.inputs` and is printed as text: nothing in it is ever read
as markup. The same template, data and attachments give the same bytes, on any day: the time in a
document comes from its data.
"""

import atexit
import base64
import contextlib
import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, cast

from services.shared.kernel.errors import Unavailable

logger = logging.getLogger(__name__)

# Templates import what they share by a path from here: #import "/shared/chassis/document.typ".
TEMPLATE_ROOT = Path(__file__).parents[2]
CHILD = Path(__file__).with_name("render_child.py")

# C0 and C1 controls cannot be printed; bidirectional overrides let "1000" be shown as "0001".
_UNPRINTABLE = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(127, 160))) | dict.fromkeys(
    (*range(8234, 8239), *range(8294, 8298), 8206, 8207, 65279, 65534)
)


class RenderFailed(RuntimeError):
    """The template does not fit the data: a bug, to be parked. The text is typst's own diagnostic."""


class RenderUnavailable(Unavailable):
    """The process that sets documents died or did not finish in time; try again."""

    code = "render_unavailable"


@dataclass(frozen=True, slots=True)
class Attachment:
    """
    A file inside the PDF, as PDF/A-3 allows.

    Attributes:
        name: File name without a path.
        relationship: source | data | alternative | supplement, towards the document that carries it.
    """

    name: str
    content: bytes
    media_type: str
    relationship: str = "alternative"
    description: str = ""


def render(
    template: Path,
    data: Mapping[str, object],
    *,
    attachments: Sequence[Attachment] = (),
    timeout_s: float = 30.0,
) -> bytes:
    """
    Set *template* with *data* as tagged PDF/A-2a, or PDF/A-3a when it carries attachments.

    Args:
        template: A .typ file; inside `services/` it may import the shared styles.
        data: JSON values only. `issued_at`, an ISO 8601 instant with offset, is required: it is the
            creation date in the file. Characters that no font has are printed as 〓[U+20BB7].
        attachments: Written in the given order.
        timeout_s: For everything, the wait for an earlier document included.

    Raises:
        RenderFailed: The template is wrong or the data does not fit it.
        RenderUnavailable: The child died or the time was over.
    """
    deadline = time.monotonic() + timeout_s
    issued_at = datetime.fromisoformat(str(data.get("issued_at")))
    if issued_at.tzinfo is None:
        raise ValueError("issued_at needs an offset from UTC")
    root = TEMPLATE_ROOT if template.is_relative_to(TEMPLATE_ROOT) else template.parent
    answer = _CHILD.ask(
        {
            "template": str(template),
            "root": str(root),
            "timestamp": int(issued_at.timestamp()),
            "data": _printable(dict(data)),
            "attachments": [
                {
                    "name": each.name,
                    "content": base64.b64encode(each.content).decode(),
                    "media_type": each.media_type,
                    "relationship": each.relationship,
                    "description": each.description,
                }
                for each in attachments
            ],
        },
        deadline,
    )
    if "error" in answer:
        raise RenderFailed(f"{template.name}: {answer['error']}")
    if answer["substituted"]:
        logger.warning("%s: no font has %s", template.name, answer["substituted"])
    return base64.b64decode(answer["pdf"])


def child_pid() -> int | None:
    """Process id of the running child, for measurements and tests; none while there is none."""
    return _CHILD.pid()


def _printable(value: object) -> object:
    if isinstance(value, str):
        return value.translate(_UNPRINTABLE)
    if isinstance(value, Mapping):
        return {str(key): _printable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(each) for each in value]
    return value


class _Child:
    """One child and the line of threads in front of it."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def ask(self, request: Mapping[str, Any], deadline: float) -> dict[str, Any]:
        line = json.dumps(request, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        if not self._turn.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise RenderUnavailable("other documents are in front")
        try:
            # An idle child may end at the very moment it is asked; setting twice does no harm.
            for _ in range(2):
                answer = self._ask_once(line, deadline)
                if answer is not None:
                    return answer
            raise RenderUnavailable("the process that sets documents keeps ending")
        finally:
            self._turn.release()

    def _ask_once(self, line: bytes, deadline: float) -> dict[str, Any] | None:
        process = self._running()
        overdue = threading.Event()

        def end_overdue() -> None:
            overdue.set()
            process.kill()

        timer = threading.Timer(max(0.0, deadline - time.monotonic()), end_overdue)
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
            raise RenderUnavailable("the document took too long")
        if process.returncode != 0:
            raise RenderUnavailable("the process that sets documents died", exit_code=process.returncode)
        return None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.end()
            # -P keeps chassis/ off the path, where our modules would stand before the standard library's
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
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


_CHILD = _Child()
atexit.register(_CHILD.end)
