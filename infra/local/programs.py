"""
The platform's own processes and what has to run before them, as data.

Add a process here and nowhere else: environment, supervision, status, memory and logs follow from this list.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from infra.local.state import ROOT

SERVICES = ("catalog", "orders", "billing", "invoicing", "notify")
DATABASES = ("identity", *SERVICES)

Group = Literal["part", "stand-in", "platform"]


@dataclass(frozen=True)
class Program:
    """One supervised process."""

    name: str
    group: Group
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    directory: Path = ROOT
    # A system account to change to when the stack runs as root; PostgreSQL refuses to be root.
    account: str | None = None
    stop_signal: str = "TERM"
    stop_wait_s: int = 15


@dataclass(frozen=True)
class PlatformProgram:
    """
    One process of the platform: `python -m <module> <arguments>`.

    needs: Modules that must be in this checkout beside *module*, or the process is left out.
    port: Name of its port in stack.json.
    port_variable: The environment variable that tells it that port.
    beside: Names of further ports that it listens on.
    health_path: What `up` asks for until it answers.
    """

    name: str
    module: str
    arguments: tuple[str, ...]
    needs: tuple[str, ...]
    port: str
    port_variable: str
    beside: tuple[str, ...] = ()
    health_path: str = "/healthz"
    stop_wait_s: int = 30


@dataclass(frozen=True)
class Preparation:
    """A command that runs before the platform starts; those of one stage run beside each other."""

    name: str
    module: str
    arguments: tuple[str, ...]
    stage: int
    needs: tuple[str, ...] = ()


_CHASSIS = "services.shared.chassis"


def _modules(hosted: Iterable[str]) -> tuple[str, ...]:
    return tuple("gateway.identity" if name == "identity" else f"services.{name}" for name in hosted)


PREPARATIONS = (
    Preparation("topology", _CHASSIS, ("topology",), stage=1, needs=_modules(SERVICES)),
    *(Preparation(f"migrate-{service}", f"services.{service}", ("migrate",), stage=2) for service in SERVICES),
    Preparation("migrate-identity", "gateway", ("migrate",), stage=2),
)


def platform_programs(*, split: bool) -> Iterator[PlatformProgram]:
    """The platform on a small machine: three processes; with *split* a `serve` and a `work` per service."""
    hosts = [(f"-{name}", (name,)) for name in DATABASES] if split else [("", DATABASES)]
    for suffix, hosted in hosts:
        if served := tuple(name for name in hosted if name in SERVICES):
            yield _hosting("serve", suffix, served)
        yield _hosting("work", suffix, hosted)
    yield PlatformProgram(
        "gateway", "gateway", ("serve",), (), "gateway", "YIQI_GATEWAY_PORT", beside=("gateway-health",)
    )


def _hosting(command: str, suffix: str, hosted: tuple[str, ...]) -> PlatformProgram:
    name = f"{command}{suffix}"
    variable = f"YIQI_{command.upper()}_PORT"
    return PlatformProgram(name, _CHASSIS, (command, *hosted), _modules(hosted), name, variable)


def is_here(planned: PlatformProgram | Preparation) -> bool:
    """Whether everything that *planned* runs is in this checkout."""
    return all(module_exists(module) for module in (planned.module, *planned.needs))


def module_exists(module: str) -> bool:
    """Whether `python -m module` could start; looks at files only, so nothing is imported."""
    path = ROOT.joinpath(*module.split("."))
    return path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


def python(module: str, *arguments: str) -> tuple[str, ...]:
    """The command line of a Python module under the interpreter of this environment."""
    return (sys.executable, "-m", module, *arguments)
