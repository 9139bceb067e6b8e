"""What processes cost: CPU time and memory, from /proc."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from infra.local import state, supervise
from infra.local.processes import with_descendants
from tests.kit.platform import ROOT

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pids: Iterable[int]) -> float:
    """
    CPU time, in the processes and in the kernel for them, that *pids* and their descendants have used.

    A child that has ended counts with its parent, so the difference of two calls is what was used in between.
    """
    ticks = 0
    for pid in with_descendants(pids):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        ticks += sum(int(each) for each in fields[11:15])
    return ticks / TICKS_PER_S


def cpu_by_name(pids: Mapping[str, int]) -> dict[str, float]:
    """`cpu_s` of each."""
    return {name: cpu_s([pid]) for name, pid in pids.items()}


def used_ms(before: Mapping[str, float], after: Mapping[str, float], count: int) -> dict[str, float]:
    """CPU time in ms between two readings of `cpu_by_name`, for each of *count*."""
    return {name: (after[name] - before[name]) * 1000 / count for name in before}


def pids_of(folder: str, *programs: str) -> dict[str, int]:
    """The processes of *programs* of the stack in *folder*; one that is stopped is left out."""
    statuses = supervise.statuses(state.load(ROOT / folder))
    return {name: pid for name in programs if (pid := statuses[name].pid)}


def peak_mib(pid: int) -> float:
    """The largest resident set that *pid* has had, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"process {pid} has no VmHWM")
