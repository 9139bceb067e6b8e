"""Up, down, restart, clean: the order in which the stack's pieces come and go."""

import os
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from infra.local import object_store, ports, postgres, rabbitmq, supervise
from infra.local.environment import gateway_url, platform_environment
from infra.local.errors import PortTaken, StackError
from infra.local.programs import PREPARATIONS, Preparation, Program, is_here, module_exists, platform_programs, python
from infra.local.progress import say, step
from infra.local.state import OWN_ENTRIES, ROOT, Stack

START_TIMEOUT_S = 90
# A program that needs more attempts than this to come up will not come up.
STARTS_MAX = 3
# Set when one of several waits has failed: the others need not go on.
_given_up = threading.Event()
STRIPE_SIMULATOR = "tests.kit.stripe_simulator"
# Which ports each part listens on, by their names in stack.json.
PORTS_OF = {
    "postgres": ("postgres",),
    "epmd": ("epmd",),
    "rabbitmq": ("rabbitmq", "rabbitmq-management", "erlang-distribution"),
    "object-store": (
        "object-store", "seaweed-master", "seaweed-master-grpc", "seaweed-volume", "seaweed-volume-grpc",
        "seaweed-filer", "seaweed-filer-grpc", "seaweed-s3-grpc",
    ),
    "smtp": ("smtp",),
    "stripe": ("stripe",),
}  # fmt: skip


@dataclass(frozen=True)
class Parts:
    """Where the parts' programs are."""

    rabbitmq: Path
    weed: Path


def install(stack: Stack) -> Parts:
    """Find or install all parts; keeps the choice in the stack."""
    found = postgres.find_or_install(stack)
    say(f"PostgreSQL: {found}")
    parts = Parts(rabbitmq.find_or_install(), object_store.find_or_install(stack))
    say(f"RabbitMQ: {parts.rabbitmq}")
    say(f"S3 server: {parts.weed}")
    stack.save()
    return parts


def _stand_ins(stack: Stack) -> list[Program]:
    mail = stack.folder("mail")
    smtp = python("infra.local.smtp_catcher", "--port", str(stack.port("smtp")), "--dir", str(mail))
    programs = [Program("smtp", "stand-in", smtp, stop_wait_s=5)]
    if module_exists(STRIPE_SIMULATOR):
        state = stack.folder("stripe") / "state.json"
        arguments = [
            "--port",
            str(stack.port("stripe")),
            "--webhook-url",
            f"{gateway_url(stack)}/v1/webhooks/stripe",
        ]
        environment = platform_environment(stack)
        # The institution's price is 0.6 % with VAT in it, as in the worked figures of the trade rules.
        arguments += ["--fee-includes-vat"]
        arguments += ["--webhook-secret", environment["YIQI_STRIPE_WEBHOOK_SECRET"]]
        arguments += ["--api-key", environment["YIQI_STRIPE_API_KEY"]]
        stripe = python(STRIPE_SIMULATOR, *arguments, "--state", str(state))
        programs.append(Program("stripe", "stand-in", stripe, stop_wait_s=5))
    return programs


def all_programs(stack: Stack, parts: Parts) -> list[Program]:
    """
    Everything that runs in this stack; platform programs whose module is not in this checkout are left out.

    Building the list chooses every port and password of the stack. Save it before anything starts: a server that a
    crash left with a password nobody noted would be lost.
    """
    environment = platform_environment(stack)
    programs = [
        postgres.program(stack),
        *rabbitmq.programs(stack, parts.rabbitmq),
        object_store.program(stack, parts.weed),
        *_stand_ins(stack),
    ]
    for planned in platform_programs(split=stack.split):
        if is_here(planned):
            env = environment | {planned.port_variable: str(stack.port(planned.port))}
            argv = python(planned.module, *planned.arguments)
            programs.append(Program(planned.name, "platform", argv, env=env, stop_wait_s=planned.stop_wait_s))
    return programs


def ready_check(stack: Stack, program: Program) -> Callable[[], bool]:
    """A function that says whether *program* answers."""
    planned = {platform.name: platform for platform in platform_programs(split=stack.split)}.get(program.name)
    if planned is not None:
        url = f"http://{ports.LOOPBACK}:{stack.port(planned.port)}{planned.health_path}"
        return lambda: _http_answers(url)
    checks = {
        "postgres": lambda: postgres.is_ready(stack),
        "rabbitmq": lambda: rabbitmq.is_ready(stack),
        "object-store": lambda: object_store.is_ready(stack),
    }
    return checks.get(program.name, lambda: ports.answers(stack.port(program.name)))


def _http_answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 loopback
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def is_complete(stack: Stack, programs: list[Program]) -> bool:
    """Whether all *programs* run and answer, so that `up` has nothing to do."""
    if not supervise.is_up(stack):
        return False
    states = supervise.statuses(stack)
    return all(
        program.name in states and states[program.name].state == "RUNNING" and ready_check(stack, program)()
        for program in programs
    )


def up(stack: Stack, *, with_parts: bool = True, with_platform: bool = True) -> None:
    """
    Bring the stack up; does nothing when it is up.

    Raises:
        PartMissing: A part is not on the machine and cannot be installed.
        PortTaken: Somebody else listens on a port of this stack.
        StackError: Something did not start; its last words are in the text.
    """
    parts = install(stack)
    programs = all_programs(stack, parts)
    wanted = [program for program in programs if (with_platform if program.group == "platform" else with_parts)]
    if _configure(stack, programs) and is_complete(stack, wanted):
        say(f"already up in {stack.directory}; nothing to do")
        return
    _start_supervisor(stack)
    wanted_parts = [program for program in wanted if program.group != "platform"]
    if wanted_parts:
        _start_parts(stack, wanted_parts)
    platform = [program for program in wanted if program.group == "platform"]
    if with_platform:
        _prepare_platform(stack)
        if not platform:
            say("the platform's own programs are not in this checkout; only the parts run")
    _check_ports(stack, platform, {program.name: _ports_of(stack, program) for program in platform})
    _start_and_wait(stack, platform)
    say(f"up: {stack.directory}" + (f", portal {gateway_url(stack)}" if platform else ""))


def _ports_of(stack: Stack, program: Program) -> tuple[str, ...]:
    planned = next(each for each in platform_programs(split=stack.split) if each.name == program.name)
    return (planned.port, *planned.beside)


def _configure(stack: Stack, programs: list[Program]) -> bool:
    """Write the configuration; True when it is what the running supervisor already follows."""
    path = stack.directory / "supervisord.conf"
    before = path.read_text() if path.exists() else None
    supervise.write_configuration(stack, programs)
    stack.save()
    return before == path.read_text()


def _start_supervisor(stack: Stack) -> None:
    if supervise.is_up(stack):
        supervise.reload(stack)
        return
    remains = supervise.clear_remains(stack)
    if remains:
        say(f"stopped what an earlier run left behind: {', '.join(remains)}")
    with step("starting the supervisor"):
        supervise.start(stack)


def _check_ports(stack: Stack, programs: list[Program], names: dict[str, tuple[str, ...]]) -> None:
    running = supervise.statuses(stack)
    for program in programs:
        if running[program.name].pid is not None:
            continue
        for name in names.get(program.name, ()):
            port = stack.port(name)
            if not ports.is_free(port):
                raise PortTaken(
                    f"Port {port} of {ports.LOOPBACK}, chosen for {name}, is taken by {ports.holder(port)}. "
                    f"Stop that, or let this stack choose new ports:\n"
                    f"    python -m infra.local up --new-ports --dir '{stack.directory}'"
                )


def _start_parts(stack: Stack, programs: list[Program]) -> None:
    by_name = {program.name: program for program in programs}
    _check_ports(stack, programs, PORTS_OF)
    running = supervise.statuses(stack)
    if running["rabbitmq"].pid is None:
        rabbitmq.prepare(stack)
    if running["object-store"].pid is None:
        object_store.prepare(stack)
    supervise.start_program(stack, "epmd")
    others = [program for name, program in by_name.items() if name not in {"postgres", "epmd"}]
    for program in others:
        supervise.start_program(stack, program.name)

    def bring_database() -> None:
        if supervise.statuses(stack)["postgres"].pid is None:
            with step("preparing PostgreSQL's cluster"):
                postgres.prepare(stack)
        supervise.start_program(stack, "postgres")
        _wait(stack, by_name["postgres"])
        postgres.provision(stack)
        say("databases: 6, each with an owner and a run-time role")

    def bring(program: Program) -> None:
        _wait(stack, program)
        if program.name == "object-store":
            object_store.provision(stack)
            say("buckets are there")

    _together([bring_database, *(partial(bring, program) for program in others)])
    if not stack.broker_provisioned:
        stack.broker_provisioned = True
        stack.save()


def _together(tasks: list[Callable[[], None]], at_once: int = 8) -> None:
    """Run *tasks* beside each other; the first failure, or Ctrl-C, ends the waiting of the others and is raised."""
    _given_up.clear()
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        running = [pool.submit(task) for task in tasks]
        try:
            for done in as_completed(running):
                done.result()
        except BaseException:
            _given_up.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _start_and_wait(stack: Stack, programs: list[Program]) -> None:
    for program in programs:
        supervise.start_program(stack, program.name)
    _together([partial(_wait, stack, program) for program in programs])


def _wait(stack: Stack, program: Program) -> None:
    """
    Wait until *program* answers.

    Raises:
        StackError: It did not within START_TIMEOUT_S, or fails at every start.
    """
    check = ready_check(stack, program)
    begun = time.monotonic()
    pids: set[int] = set()
    with step(f"waiting for {program.name}"):
        while not (check() and supervise.statuses(stack)[program.name].state == "RUNNING"):
            pid = supervise.statuses(stack)[program.name].pid
            pids |= {pid} if pid else set()
            if time.monotonic() - begun > START_TIMEOUT_S or len(pids) > STARTS_MAX:
                log = stack.directory / "log" / f"{program.name}.log"
                raise StackError(f"{program.name} did not answer; the end of {log}:\n{log_end(log)}")
            if _given_up.wait(0.1):
                raise StackError(f"gave up waiting for {program.name}")


def log_end(log: Path, lines: int = 15) -> str:
    """The last *lines* of *log*."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"


def _prepare_platform(stack: Stack) -> None:
    for stage in sorted({preparation.stage for preparation in PREPARATIONS}):
        todo = [one for one in PREPARATIONS if one.stage == stage and is_here(one)]
        _together([partial(_run_preparation, stack, one) for one in todo], at_once=os.cpu_count() or 1)


def _run_preparation(stack: Stack, preparation: Preparation) -> None:
    log = stack.folder("log") / f"{preparation.name}.log"
    environment = {**supervise.inherited_environment(), **platform_environment(stack)}
    with step(preparation.name), log.open("w") as output:
        done = subprocess.run(
            python(preparation.module, *preparation.arguments),
            cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise StackError(f"{preparation.name} ended with {done.returncode}; the end of {log}:\n{log_end(log)}")


def down(stack: Stack) -> None:
    """Stop everything in order: the platform, stand-ins, parts, supervisor; also what a crash left running."""
    if supervise.is_up(stack):
        names = set(supervise.statuses(stack))
        last = {"epmd"}
        parts = {"postgres", "rabbitmq", "object-store"}
        for what, group in (("the platform", names - parts - last), ("the parts", parts), ("epmd", last)):
            with step(f"stopping {what}"):
                supervise.stop_programs(stack, group)
        with step("stopping the supervisor"):
            supervise.shut_down(stack)
    remains = supervise.clear_remains(stack)
    if remains:
        say(f"stopped what an earlier run left behind: {', '.join(remains)}")
    say(f"down: {stack.directory}")


def restart(stack: Stack, name: str, overrides: dict[str, str]) -> None:
    """
    Stop and start one program, with *overrides* in its environment until its next restart by this command.

    Raises:
        StackError: The stack is down or has no such program.
    """
    if not supervise.is_up(stack):
        raise StackError(f"The stack in {stack.directory} is down.")
    programs = all_programs(stack, install(stack))
    program = next((one for one in programs if one.name == name), None)
    if program is None:
        raise StackError(f"No program {name}; there are: {', '.join(one.name for one in programs)}")
    stack.overrides = {key: value for key, value in stack.overrides.items() if key != name}
    if overrides:
        stack.overrides[name] = overrides
    stack.save()
    supervise.write_configuration(stack, programs)
    with step(f"stopping {name}"):
        supervise.stop_programs(stack, [name])
    supervise.start_program(stack, name)
    _wait(stack, program)


def clean(directory: Path, stack: Stack | None) -> None:
    """Stop what runs and remove what the stack made in *directory*; other files there stay."""
    supervise_from = stack or Stack(directory.resolve())
    if stack is not None:
        down(stack)
    else:
        supervise.clear_remains(supervise_from)
    outside = [supervise_from.socket_directory, supervise_from.postgres_directory]
    for path in [Path(name) for name in outside if name] + [directory / name for name in OWN_ENTRIES]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    (directory / ".lock").unlink(missing_ok=True)
    if directory.exists() and not any(directory.iterdir()):
        directory.rmdir()
    say(f"clean: {directory}")
