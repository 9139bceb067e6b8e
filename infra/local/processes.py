"""
Which process is ours.

A pid alone proves nothing: after a crash it may belong to somebody else. A process is identified by pid, its
start time in clock ticks since boot (field 22 of /proc/<pid>/stat, which survives exec) and the boot it belongs to.
Nothing here ever looks for a process by name.
"""

import json
import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

POLL_S = 0.05


@dataclass(frozen=True)
class ProcessRecord:
    """What the launcher notes before it becomes the program: enough to find and stop it after any crash."""

    name: str
    pid: int
    start_ticks: int
    boot_id: str
    stop_signal: str
    stop_wait_s: int

    def write(self, path: Path) -> None:
        """Replace *path* in one step; a reader never sees half a record."""
        half = path.with_name(f".{path.name}.{os.getpid()}")
        half.write_text(json.dumps(asdict(self)))
        half.replace(path)


def read_record(path: Path) -> ProcessRecord | None:
    """The record in *path*, or None when there is none or it is unreadable (then it proves nothing)."""
    try:
        return ProcessRecord(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def boot_id() -> str:
    """Changes with every boot, so that a pid and start time of an earlier boot never match."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_ticks(pid: int) -> int | None:
    """Start time of *pid* in clock ticks since boot; None when it does not run (a zombie does not run)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The second field is the program's name in brackets and may hold blanks and brackets itself.
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in {"Z", "X"} else int(fields[18])


def own_record(name: str, stop_signal: str, stop_wait_s: int) -> ProcessRecord:
    """The record of the calling process."""
    pid = os.getpid()
    ticks = start_ticks(pid)
    if ticks is None:
        raise RuntimeError("/proc is not mounted: the stack needs Linux with /proc")
    return ProcessRecord(name, pid, ticks, boot_id(), stop_signal, stop_wait_s)


def is_running(record: ProcessRecord) -> bool:
    """Whether exactly the recorded process still runs, not another one under its pid."""
    return record.boot_id == boot_id() and start_ticks(record.pid) == record.start_ticks


def parents() -> dict[int, int]:
    """Parent pid of every process that can be seen."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def with_descendants(pids: Iterable[int]) -> list[int]:
    """*pids* and all their descendants."""
    tree = set(pids)
    parent_of = parents()
    grew = True
    while grew:
        more = {pid for pid, parent in parent_of.items() if parent in tree} - tree
        tree |= more
        grew = bool(more)
    return sorted(tree)


def command_line(pid: int) -> str:
    """The command line of *pid* for people to read; empty when it cannot be read."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def stop(record: ProcessRecord) -> bool:
    """
    End the recorded process: its stop signal, and after its waiting time SIGKILL to it and its descendants.

    Returns:
        False when it did not run any more.

    Raises:
        PermissionError: It belongs to another user.
    """
    if not is_running(record):
        return False
    family = [(pid, start_ticks(pid)) for pid in with_descendants([record.pid])]
    # A process stopped by SIGSTOP takes no other signal.
    os.kill(record.pid, signal.SIGCONT)
    os.kill(record.pid, getattr(signal, f"SIG{record.stop_signal}"))
    if not wait_until_gone([record], record.stop_wait_s):
        _kill_all(family)
        wait_until_gone([record], 5)
    _kill_all(family)
    return True


def _kill_all(family: list[tuple[int, int | None]]) -> None:
    for pid, ticks in family:
        if ticks is not None and start_ticks(pid) == ticks:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def wait_until_gone(records: Iterable[ProcessRecord], timeout_s: float) -> bool:
    """Whether all of *records* ended within *timeout_s*."""
    deadline = time.monotonic() + timeout_s
    left = list(records)
    while left := [record for record in left if is_running(record)]:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
