"""How much memory each part really takes: proportional set size, which counts a shared page once in all."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from infra.local import supervise
from infra.local.processes import with_descendants
from infra.local.state import Stack

STAND_INS = ("smtp", "stripe")


@dataclass(frozen=True)
class Memory:
    """PSS in KiB by program; stand-ins are no part of the platform and counted apart."""

    platform_kib: dict[str, int]
    stand_ins_kib: dict[str, int]

    @property
    def total_kib(self) -> int:
        return sum(self.platform_kib.values())


def measure(stack: Stack) -> Memory:
    """
    Measure every program with its descendants, and the supervisor.

    Raises:
        StackError: The stack is down.
        PermissionError: A process belongs to another user.
    """
    pids = {name: status.pid for name, status in supervise.statuses(stack).items() if status.pid}
    found = {name: pss_kib(with_descendants([pid])) for name, pid in sorted(pids.items())}
    record = supervise.record(stack)
    if record is not None:
        found[supervise.SUPERVISOR] = pss_kib([record.pid])
    return Memory(
        {name: kib for name, kib in found.items() if name not in STAND_INS},
        {name: kib for name, kib in found.items() if name in STAND_INS},
    )


def pss_kib(pids: Iterable[int]) -> int:
    """Sum of the proportional set sizes of *pids* in KiB; a process that just ended counts nothing."""
    total = 0
    for pid in pids:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total
