"""The process supervisor (PyPI supervisor) of one stack: its configuration, its start, and talking to it."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
import xmlrpc.client
from base64 import b64encode
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.errors import StackError
from infra.local.processes import ProcessRecord, is_running, read_record, stop
from infra.local.programs import Program, python
from infra.local.state import ROOT, Stack, write_private

SUPERVISOR = "supervisord"
_USER = "yiqi"
# EX_CONFIG of sysexits.h: with wrong settings a process ends at every start, so it is not started again.
EXIT_CONFIG = 78
# Settings of the caller's shell that would point a part at somebody else's server or folder.
_FOREIGN_PREFIXES = ("RABBITMQ_", "ERL_", "PG", "WEED_", "AWS_", "YIQI_", "NOTIFY_SOCKET", "SUPERVISOR_")


class SupervisorGone(StackError):
    """The supervisor does not answer on its socket."""


@dataclass(frozen=True)
class ProgramStatus:
    """What the supervisor says of one program; *pid* is None while it does not run."""

    name: str
    state: str
    pid: int | None
    up_s: int


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _SocketTransport(xmlrpc.client.Transport):
    def __init__(self, path: str, password: str, timeout_s: float) -> None:
        login = b64encode(f"{_USER}:{password}".encode()).decode()
        super().__init__(headers=[("Authorization", f"Basic {login}")])
        self._path, self._timeout_s = path, timeout_s

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        # Where the base class keeps it, or close() would not find it.
        made = _SocketConnection(self._path, self._timeout_s)
        self._connection = host, made
        return made


def call(stack: Stack, method: str, *arguments: object, timeout_s: float = 10) -> Any:
    """
    Call *method* of the supervisor's XML-RPC interface.

    Raises:
        SupervisorGone: Nobody answers within *timeout_s*.
        xmlrpc.client.Fault: The supervisor refuses.
    """
    transport = _SocketTransport(str(stack.socket_path("s.sock")), stack.secret("supervisor"), timeout_s)
    with xmlrpc.client.ServerProxy("http://localhost", transport=transport, allow_none=True) as server:
        try:
            return getattr(server.supervisor, method)(*arguments)
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            raise SupervisorGone(f"The supervisor of {stack.directory} does not answer: {error}") from error


_GENERAL = """\
; Written by infra/local at every start; changes here are lost.
[supervisord]
nodaemon = true
logfile = log/supervisord.log
pidfile = run/supervisord.pid
childlogdir = log
identifier = yiqi
minfds = 1024
{user}

[unix_http_server]
file = %(ENV_YIQI_SUPERVISOR_SOCKET)s
chmod = 0600
username = {login}
password = {password}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""


def write_configuration(stack: Stack, programs: Iterable[Program]) -> None:
    """Render supervisord.conf and programs.json, from which the launcher takes what to run."""
    programs = list(programs)
    content = {
        program.name: {
            "argv": program.argv,
            "env": {**program.env, **stack.overrides.get(program.name, {})},
            "directory": str(program.directory),
            "account": program.account,
            "stop_signal": program.stop_signal,
            "stop_wait_s": program.stop_wait_s,
            "pid_file": str(program.directory / "postmaster.pid") if program.name == "postgres" else None,
        }
        for program in [*programs, _supervisor_program(stack)]
    }
    write_private(stack.directory / "programs.json", json.dumps(content, indent=1))
    password = stack.secret("supervisor")
    # Paths come in by the environment (ENV_…): written out here, a blank followed by ; or # would begin a comment.
    sections = [
        _GENERAL.format(user="user = root" if os.geteuid() == 0 else "", login=_USER, password=password),
    ]
    sections += [_section(program) for program in programs]
    write_private(stack.directory / "supervisord.conf", "\n\n".join(sections) + "\n")


def _section(program: Program) -> str:
    log = f"%(ENV_YIQI_STACK_DIRECTORY)s/log/{program.name}.log"
    return f"""[program:{program.name}]
command = "%(ENV_YIQI_PYTHON)s" -m infra.local.launch {program.name}
directory = %(ENV_YIQI_ROOT)s
autostart = false
autorestart = unexpected
exitcodes = {EXIT_CONFIG}
startsecs = 1
startretries = 1000
stopsignal = {program.stop_signal}
stopwaitsecs = {program.stop_wait_s}
killasgroup = true
redirect_stderr = true
stdout_logfile = {log}
stdout_logfile_maxbytes = 20MB
stdout_logfile_backups = 1"""


def _supervisor_program(stack: Stack) -> Program:
    argv = python("supervisor.supervisord", "-n", "-c", str(stack.directory / "supervisord.conf"))
    return Program(SUPERVISOR, "part", argv, directory=stack.directory, stop_wait_s=90)


def record(stack: Stack) -> ProcessRecord | None:
    """The supervisor that was last started, running or not."""
    return read_record(stack.record_path(SUPERVISOR))


def is_up(stack: Stack) -> bool:
    """Whether the supervisor runs and answers."""
    known = record(stack)
    if known is None or not is_running(known):
        return False
    try:
        return str(call(stack, "getState")["statename"]) == "RUNNING"
    except (StackError, xmlrpc.client.Fault):
        return False


def clear_remains(stack: Stack) -> list[str]:
    """
    After a crash: stop what a dead or hanging supervisor left running, remove its sockets and records.

    Returns:
        The names of the processes that had to be stopped.
    """
    stopped = []
    # The supervisor first, or it would start the others again; the broker's epmd last, as when stopping in order.
    paths = sorted(stack.folder("run").glob("*.json"), key=lambda path: (path.stem != SUPERVISOR, path.stem == "epmd"))
    for path in paths:
        known = read_record(path)
        if known is not None and stop(known):
            stopped.append(known.name)
        path.unlink(missing_ok=True)
    for path in [stack.socket_path(name) for name in ("s.sock", "weed-s3.sock", "weed-filer.sock")]:
        path.unlink(missing_ok=True)
    for part in ("master", "volume", "filer", "s3"):
        # SeaweedFS leaves these behind when it is killed, and no option moves them.
        number = stack.ports.get(f"seaweed-{part}-grpc")
        Path(f"/tmp/seaweedfs-{part}-grpc-{number}.sock").unlink(missing_ok=True)  # noqa: S108 its choice, not ours
    return stopped


def inherited_environment() -> dict[str, str]:
    """The caller's environment without settings of other servers or of another stack."""
    return {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN_PREFIXES)}


def start(stack: Stack) -> None:
    """
    Start the supervisor with no program running yet.

    Raises:
        StackError: It did not answer within 20 s; its last words are in the text.
    """
    environment = inherited_environment() | {
        "YIQI_STACK_DIRECTORY": str(stack.directory),
        "YIQI_ROOT": str(ROOT),
        "YIQI_PYTHON": sys.executable,
        "YIQI_SUPERVISOR_SOCKET": str(stack.socket_path("s.sock")),
    }
    log = stack.folder("log") / "supervisord.out"
    with log.open("w") as output:
        begun = subprocess.Popen(
            [sys.executable, "-m", "infra.local.launch", SUPERVISOR],
            cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + 20
    while not is_up(stack):
        if begun.poll() is not None or time.monotonic() > deadline:
            raise StackError(f"The supervisor did not start; see {log}:\n{log.read_text()[-800:]}")
        time.sleep(0.05)
    # It outlives this command on purpose; without this, Python warns about a child that still runs.
    begun.returncode = 0


def reload(stack: Stack) -> None:
    """Make a running supervisor follow a changed list of programs; those no longer in it are stopped."""
    added, changed, removed = call(stack, "reloadConfig")[0]
    stop_programs(stack, [*changed, *removed])
    for name in (*changed, *removed):
        call(stack, "removeProcessGroup", name)
    for name in (*added, *changed):
        call(stack, "addProcessGroup", name)


def statuses(stack: Stack) -> dict[str, ProgramStatus]:
    """What the supervisor knows of each program."""
    found = {}
    for entry in call(stack, "getAllProcessInfo"):
        pid = entry["pid"] or None
        up_s = entry["now"] - entry["start"] if pid else 0
        found[entry["name"]] = ProgramStatus(entry["name"], entry["statename"], pid, up_s)
    return found


def start_program(stack: Stack, name: str) -> None:
    """Start *name* unless it runs; does not wait for it to be ready."""
    if statuses(stack)[name].state not in {"RUNNING", "STARTING", "BACKOFF"}:
        with suppress(xmlrpc.client.Fault):
            call(stack, "startProcess", name, False)


def stop_programs(stack: Stack, names: Iterable[str]) -> None:
    """Stop *names* beside each other and wait until all have ended."""
    wanted = [name for name, status in statuses(stack).items() if name in set(names) and status.state not in _ENDED]
    for name in wanted:
        with suppress(xmlrpc.client.Fault):
            call(stack, "stopProcess", name, False)
    # The supervisor itself kills what outlasts its stopwaitsecs.
    while any(statuses(stack)[name].state not in _ENDED for name in wanted):
        time.sleep(0.05)


_ENDED = {"STOPPED", "EXITED", "FATAL", "UNKNOWN"}


def shut_down(stack: Stack) -> None:
    """End the supervisor and everything it still runs."""
    known = record(stack)
    if known is not None:
        stop(known)
