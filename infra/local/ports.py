"""Loopback ports: chosen once, kept in stack.json, named with their holder when somebody else took one."""

import random
import socket
from collections.abc import Collection
from pathlib import Path

from infra.local.errors import StackError
from infra.local.processes import command_line

LOOPBACK = "127.0.0.1"
_LOWEST = 15_000


def _highest() -> int:
    # Below the range from which the kernel takes ports of outgoing connections: a port that we keep for weeks must
    # not be lent to a browser while the stack is down.
    try:
        first_ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError):
        first_ephemeral = 32_768
    return first_ephemeral if first_ephemeral > _LOWEST + 1_000 else 32_768


def is_free(port: int) -> bool:
    """Whether a server could listen on *port* of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    """Whether something accepts connections on *port* of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def choose(taken: Collection[int]) -> int:
    """A free port that is not in *taken*; another process may still be quicker, which `up` then reports."""
    for port in random.sample(range(_LOWEST, _highest()), 500):
        if port not in taken and is_free(port):
            return port
    raise StackError(f"No free port between {_LOWEST} and {_highest()} on {LOOPBACK}.")


def holder(port: int) -> str:
    """Who listens on *port*, as text for an error: pid and command line, as far as this user may see them."""
    sockets = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                sockets.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if any(str(fd.readlink()) in sockets for fd in (process / "fd").iterdir()):
                return f"pid {process.name} ({command_line(int(process.name))[:120]})"
        except OSError:
            continue
    return "a process of another user"
