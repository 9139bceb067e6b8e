"""
Become a program of the stack: `python -m infra.local.launch NAME`, started by the supervisor only.

Notes pid and start time in run/NAME.json first and then replaces itself by the program (exec keeps both), so that
the program is found again even when the supervisor was killed. What to become stands in programs.json; imports stay
few, because this runs before every start.
"""

import json
import os
import pwd
import sys
from pathlib import Path

from infra.local.processes import command_line, own_record


def main() -> None:
    """Exit code 127 when the program cannot be started; otherwise never returns."""
    name = sys.argv[1]
    directory = Path(os.environ["YIQI_STACK_DIRECTORY"])
    program = json.loads((directory / "programs.json").read_text())[name]
    own_record(name, program["stop_signal"], program["stop_wait_s"]).write(directory / "run" / f"{name}.json")
    environment = {**os.environ, **program["env"]}
    if program["pid_file"]:
        remove_stale_pid_file(Path(program["pid_file"]), program["argv"][0])
    os.chdir(program["directory"])
    if program["account"]:
        become(program["account"])
    try:
        os.execve(program["argv"][0], program["argv"], environment)  # noqa: S606 becoming it is the point
    except OSError as error:
        print(f"{program['argv'][0]}: {error.strerror}", file=sys.stderr)
        sys.exit(127)


def become(account: str) -> None:
    """Give up root for *account*, its group and no other group."""
    entry = pwd.getpwnam(account)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def remove_stale_pid_file(path: Path, program: str) -> None:
    """
    Remove *path* when the process it names is not *program*.

    PostgreSQL refuses to start when the pid in a left-over postmaster.pid now belongs to any process of its user.
    """
    try:
        pid = int(path.read_text().split("\n", 1)[0])
    except FileNotFoundError:
        return
    except ValueError:
        # A crash can leave it empty; nobody holds it then, for the supervisor starts one at a time.
        path.unlink()
        return
    # The directory of the cluster stands on the command line: somebody else's server is not taken for ours.
    line = command_line(pid)
    if not (line.startswith(program) and str(path.parent) in line):
        path.unlink()


if __name__ == "__main__":
    main()
