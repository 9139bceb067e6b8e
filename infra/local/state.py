"""What one stack remembers between commands, in <dir>/stack.json (mode 0600): ports, passwords, choices."""

import fcntl
import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from infra.local import ports
from infra.local.errors import StackError

ROOT = Path(__file__).resolve().parents[2]
STATE_FILE = "stack.json"
# The kernel allows 107 bytes; supervisor first binds <name>.<pid>.
_SOCKET_PATH_BYTES_MAX = 90
# Everything that `clean` may remove from the directory; what else lies there is not ours.
OWN_ENTRIES = (
    "run", "log", "postgres", "rabbitmq", "object_store", "mail", "stripe", "parts",
    "programs.json", "supervisord.conf", STATE_FILE,
)  # fmt: skip


@dataclass
class Stack:
    """One instance of the stack. Change, then `save`."""

    directory: Path
    ports: dict[str, int] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    split: bool = False
    # Directories outside *directory*, where it is too deep for a socket or closed to PostgreSQL's user.
    socket_directory: str | None = None
    postgres_directory: str | None = None
    postgres_bin: str | None = None
    broker_provisioned: bool = False
    # Extra environment of single programs, set by `restart NAME --set`.
    overrides: dict[str, dict[str, str]] = field(default_factory=dict)

    def port(self, name: str) -> int:
        """The port of *name*, chosen when it is first asked for."""
        if name not in self.ports:
            self.ports[name] = ports.choose(self.ports.values())
        return self.ports[name]

    def secret(self, name: str, prefix: str = "") -> str:
        """The random password of *name*, made when first asked for; letters and digits, for it stands in URLs."""
        if name not in self.secrets:
            self.secrets[name] = prefix + secrets.token_hex(20)
        return self.secrets[name]

    def folder(self, *names: str) -> Path:
        """A folder of the stack that only its owner can read, made when missing."""
        path = self.directory.joinpath(*names)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def record_path(self, program: str) -> Path:
        return self.folder("run") / f"{program}.json"

    def socket_path(self, name: str) -> Path:
        """Where the unix socket *name* goes: under run/, or in a short folder when that path is too long."""
        path = self.folder("run") / name
        if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES_MAX:
            return path
        if self.socket_directory is None or not Path(self.socket_directory).is_dir():
            self.socket_directory = tempfile.mkdtemp(prefix="yiqi-")
            self.save()
        return Path(self.socket_directory) / name

    def save(self) -> None:
        """Write stack.json in one step, readable by its owner only."""
        content = {key: value for key, value in asdict(self).items() if key != "directory"}
        write_private(self.directory / STATE_FILE, json.dumps(content, indent=1, sort_keys=True) + "\n")


def write_private(path: Path, content: str) -> None:
    """Replace *path* in one step, mode 0600 from the first byte on; survives a crash with the old or new content."""
    half = path.with_name(f".{path.name}.half")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)


def exists(directory: Path) -> bool:
    """Whether a stack was ever made in *directory*."""
    return (directory / STATE_FILE).exists()


def load(directory: Path) -> Stack:
    """
    The stack in *directory*; a new one when there is none.

    Raises:
        StackError: stack.json is damaged, or belongs to another user.
    """
    directory = directory.resolve()
    if not exists(directory):
        return Stack(directory)
    try:
        content = json.loads((directory / STATE_FILE).read_text())
        return Stack(directory, **content)
    except PermissionError as error:
        raise StackError(f"{error.filename} belongs to another user: use that user or another --dir.") from error
    except (ValueError, TypeError) as error:
        raise StackError(
            f"{directory / STATE_FILE} is damaged ({error}). The passwords of the databases were in it: "
            f"run `python -m infra.local clean --dir '{directory}'` and start afresh."
        ) from error


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Keep every other command off *directory*; waits for one that is under way. Ends with the process."""
    lock = _lock(directory)
    try:
        yield
    finally:
        os.close(lock)


def _lock(directory: Path) -> int:
    while True:
        try:
            directory.mkdir(mode=0o755, parents=True, exist_ok=True)
            lock = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StackError(f"Cannot write to {directory}: {error.strerror}. Use another --dir.") from error
        fcntl.flock(lock, fcntl.LOCK_EX)
        # A `clean` for which we waited has removed the file; a lock on that would keep nobody out.
        try:
            if os.path.samestat(os.fstat(lock), (directory / ".lock").stat()):
                return lock
        except FileNotFoundError:
            pass
        os.close(lock)
