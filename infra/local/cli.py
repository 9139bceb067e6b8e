"""The command line of the local stack; `python -m infra.local --help`."""

import json
import os
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from infra.local import lifecycle, memory, rabbitmq, state, supervise
from infra.local.environment import platform_environment
from infra.local.errors import StackError
from infra.local.progress import say

app = typer.Typer(
    help="The platform and all it needs on this machine, privately, under one directory.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Directory = Annotated[Path, typer.Option("--dir", help="Where this instance lives; another one is another stack.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
DEFAULT = state.ROOT / "var"


class Only(StrEnum):
    """What `up --only` brings up."""

    PARTS = "parts"
    PLATFORM = "platform"


@contextmanager
def _reported() -> Iterator[None]:
    """Turn what went wrong into a text and an exit code."""
    try:
        yield
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from error
    except PermissionError as error:
        print(f"error: {error.filename or error}: it belongs to another user; use that user.", file=sys.stderr)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        print("stopped waiting; what was started runs on: python -m infra.local down", file=sys.stderr)
        raise typer.Exit(130) from None


@contextmanager
def _stack(directory: Path) -> Iterator[state.Stack]:
    """The stack in *directory*, with every other command kept out."""
    with _reported(), state.alone(directory):
        yield state.load(directory)


def _existing(directory: Path) -> state.Stack:
    if not state.exists(directory):
        raise StackError(f"There is no stack in {directory}: run `python -m infra.local up` first.")
    return state.load(directory)


@app.command()
def install(directory: Directory = DEFAULT) -> None:
    """Only get the parts: find or install PostgreSQL, RabbitMQ and the S3 server."""
    with _stack(directory) as stack:
        lifecycle.install(stack)


@app.command()
def up(
    directory: Directory = DEFAULT,
    only: Annotated[Only | None, typer.Option(help="Bring up one half only.")] = None,
    *,
    platform: Annotated[bool, typer.Option(help="--no-platform is --only parts.")] = True,
    split: Annotated[
        bool | None, typer.Option(help="One process per service instead of one for all; kept until changed.")
    ] = None,
    new_ports: Annotated[bool, typer.Option("--new-ports", help="Choose all ports again (stops the stack).")] = False,
) -> None:
    """
    Find or install what is missing, start everything, wait until it answers. Run again, it does nothing.

    Example: python -m infra.local up --dir var/test --split
    """
    with _stack(directory) as stack:
        if new_ports:
            lifecycle.down(stack)
            stack.ports = {}
        if split is not None:
            stack.split = split
        lifecycle.up(stack, with_parts=only is not Only.PLATFORM, with_platform=platform and only is not Only.PARTS)


@app.command()
def down(directory: Directory = DEFAULT) -> None:
    """Stop everything in order; data stays."""
    if not directory.exists():
        say(f"nothing to stop: there is no {directory}")
        return
    with _stack(directory) as stack:
        lifecycle.down(stack)


@app.command()
def clean(directory: Directory = DEFAULT) -> None:
    """Stop everything and remove what the stack made: data, logs, passwords, ports."""
    if not directory.exists():
        say(f"nothing to clean: there is no {directory}")
        return
    with _reported(), state.alone(directory):
        try:
            stack = state.load(directory)
        except StackError:
            stack = None
        lifecycle.clean(directory, stack)


@app.command()
def status(directory: Directory = DEFAULT, *, as_json: AsJson = False) -> None:
    """What runs; exit code 0 when everything known runs, 1 otherwise."""
    with _reported():
        stack = _existing(directory)
        programs = list(supervise.statuses(stack).values()) if supervise.is_up(stack) else []
    if as_json:
        entries = [{"name": p.name, "state": p.state, "pid": p.pid, "up_s": p.up_s} for p in programs]
        print(json.dumps({"directory": str(stack.directory), "up": bool(programs), "programs": entries}))
    elif not programs:
        print(f"down: {stack.directory}")
    for program in [] if as_json else programs:
        print(f"{program.name:16} {program.state:9} pid {program.pid or '-':<8} {program.up_s} s")
    if not programs or any(program.state != "RUNNING" for program in programs):
        raise typer.Exit(1)


@app.command()
def env(directory: Directory = DEFAULT) -> None:
    """
    Print the platform's environment as KEY=VALUE lines for a shell.

    Example: set -a; eval "$(python -m infra.local env)"; set +a
    """
    with _reported():
        stack = _existing(directory)
        before = (len(stack.ports), len(stack.secrets))
        found = platform_environment(stack)
        if before != (len(stack.ports), len(stack.secrets)):
            # Something was chosen just now, because nothing has run yet: what is printed must hold later.
            with state.alone(directory):
                stack = state.load(directory)
                found = platform_environment(stack)
                stack.save()
    for key, value in found.items():
        print(f"{key}={shlex.quote(value)}")


@app.command()
def restart(
    name: str,
    directory: Directory = DEFAULT,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE for its environment, until its next restart.")
    ] = None,
) -> None:
    """
    Stop and start one program and wait until it answers.

    Example: python -m infra.local restart work --set FAILPOINT=after_confirm:crash
    """
    with _stack(directory) as stack:
        overrides = dict(setting.partition("=")[::2] for setting in settings or [])
        lifecycle.restart(stack, name, overrides)


@app.command()
def logs(
    name: Annotated[str | None, typer.Argument(help="One program; all without it.")] = None,
    directory: Directory = DEFAULT,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
) -> None:
    """Print the end of the logs."""
    folder = directory / "log"
    paths = sorted(folder.glob("*.log")) if name is None else [folder / f"{name}.log"]
    with _reported():
        if not paths or not all(path.exists() for path in paths):
            known = ", ".join(sorted(path.stem for path in folder.glob("*.log"))) or "none"
            raise StackError(f"No log of {name or 'any program'} in {folder}; there are: {known}")
    for path in paths:
        print(f"==> {path} <==\n{lifecycle.log_end(path, lines=40)}", flush=True)
    if follow:
        _follow(paths)


def _follow(paths: list[Path]) -> None:
    offsets = {path: path.stat().st_size for path in paths}
    try:
        while True:
            for path, offset in offsets.items():
                size = path.stat().st_size
                # A log that was rolled over begins again.
                with path.open("rb") as log:
                    log.seek(offset if size >= offset else 0)
                    added = log.read()
                    offsets[path] = log.tell()
                for line in added.decode(errors="replace").splitlines():
                    print(f"{path.stem:16} {line}", flush=True)
            time.sleep(0.3)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


@app.command("memory")
def show_memory(directory: Directory = DEFAULT, *, as_json: AsJson = False) -> None:
    """Print the memory (PSS) of every part in MiB, and the sum; stand-ins apart."""
    with _reported():
        measured = memory.measure(_existing(directory))
    if as_json:
        found = {"platform_kib": measured.platform_kib, "stand_ins_kib": measured.stand_ins_kib}
        print(json.dumps({**found, "total_kib": measured.total_kib}))
        return
    for name, kib in measured.platform_kib.items():
        print(f"{name:16} {kib / 1024:8.1f} MiB")
    print(f"{'sum':16} {measured.total_kib / 1024:8.1f} MiB")
    for name, kib in measured.stand_ins_kib.items():
        print(f"{name:16} {kib / 1024:8.1f} MiB   stand-in, not in the sum")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def rabbitmqctl(context: typer.Context, directory: Directory = DEFAULT) -> None:
    """
    Run rabbitmqctl against this stack's node.

    Example: python -m infra.local rabbitmqctl list_queues name messages
    """
    with _reported():
        stack = _existing(directory)
        program = rabbitmq.find_or_install() / "rabbitmqctl"
    os.execve(program, [str(program), *context.args], {**os.environ, **rabbitmq.environment(stack)})  # noqa: S606 replaces this process
