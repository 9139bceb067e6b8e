"""
Orders placed through the public API: how many a second by eight connections, how long each takes.

Two settings. Consumers paused: only gateway and `serve` run, the events wait in the outbox, as after
`work` was stopped. Everything running: `work` numbers, publishes, receives and handles for all
services at the same time and renders each order's contract, on the same cores. The control stands
alone both times: `work` is stopped or held (SIGSTOP) meanwhile.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from infra.demo.platform import Platform
from infra.local import memory, supervise
from infra.local.processes import with_descendants
from tests.bench.control import ORDER_TABLE
from tests.bench.figures import Bar, Figure
from tests.bench.load import Seen, Wanted, ceiling, in_a_process
from tests.bench.market import Market, open_market, wait_until_calm
from tests.bench.processes import cpu_by_name, peak_mib, pids_of, used_ms
from tests.bench.setting import FOLDER, Child, Setting, free_ports, wait_for_http
from tests.kit.platform import ROOT, empty

CONTROL = "bare FastAPI + Nameko"
PROGRAMS = ("gateway", "serve", "work")
SERVERS = ("postgres", "rabbitmq")
PARTS_OF_THE_PLATFORM = (*PROGRAMS, "postgres", "rabbitmq", "epmd", "object-store")
SETTLE_S = 1.0
RENDERER_ENDS_S = 70
"""It waits a minute for more work."""


class Orders:
    """The platform under `var/bench`, with what is needed to order on it."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.platform = Platform(ROOT / FOLDER)
        # What was measured before has left the probe's tables.
        for name in ("orders", "billing"):
            empty(setting.database(name))
        # And its servers have grown on it: what the platform takes at rest is asked of servers just started.
        self.platform.down()
        self.platform.up()
        self.market: Market = open_market(self.platform)

    @property
    def seconds(self) -> float:
        return self.setting.sized(8, 3)

    def idle_mib(self) -> dict[str, float]:
        """By program, when nothing is to be done; `work`'s process that renders papers has ended by then."""
        wait_until_calm(self.platform)
        time.sleep(self.setting.sized(RENDERER_ENDS_S, 2))
        return self.memory_mib()

    def memory_mib(self) -> dict[str, float]:
        """Proportional set sizes now; stand-ins and the supervisor, which a customer has not, left out."""
        found = memory.measure(self.platform.stack).platform_kib
        return {name: kib / 1024 for name, kib in found.items() if name in PARTS_OF_THE_PLATFORM}

    def stop_work(self) -> None:
        supervise.stop_programs(self.platform.stack, ["work"])

    def start_work(self) -> None:
        stack = self.platform.stack
        supervise.start_program(stack, "work")
        self.platform.wait_for(["work"])

    @contextmanager
    def work_held(self) -> Iterator[None]:
        """`work` and the processes it started stand still; shorter than the broker's patience with a heartbeat."""
        pids = list(with_descendants([self.platform.pid_of("work")]))
        for pid in pids:
            _send(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                _send(pid, signal.SIGCONT)

    def press(self) -> tuple[Seen, dict[str, float]]:
        """What the generator saw, and the CPU time in ms that an order cost each process and server."""
        port = self.platform.stack.port("gateway")
        wanted = Wanted(port, "/v1/orders", self.market.order(), self.market.headers, self.seconds)
        return _pressed(wanted, pids_of(FOLDER, *PROGRAMS, *SERVERS, "object-store"))


def _send(pid: int, which: signal.Signals) -> None:
    try:
        os.kill(pid, which)
    except ProcessLookupError:
        return


def _pressed(wanted: Wanted, pids: dict[str, int]) -> tuple[Seen, dict[str, float]]:
    before = cpu_by_name(pids)
    seen = in_a_process(wanted)
    after = cpu_by_name(pids)
    if seen.failed:
        raise AssertionError(f"{seen.failed} orders were not placed: {dict(seen.statuses)}")
    return seen, used_ms(before, after, sum(seen.statuses.values()))


class Control:
    """The two processes of the control."""

    def __init__(self, orders: Orders, running: ExitStack) -> None:
        self.orders = orders
        setting = orders.setting
        database = setting.database("orders")
        database.change(ORDER_TABLE)
        variables = {"BENCH_BROKER_URL": setting.broker_url, "BENCH_DATABASE_URL": database.url}
        (self.port,) = free_ports(1)
        self.service = running.enter_context(Child("tests.bench.control", "service", **variables))
        self.http = running.enter_context(Child("tests.bench.control_http", str(self.port), **variables))
        wait_for_http(f"http://127.0.0.1:{self.port}/healthz")
        self.press(1.0)

    def press(self, seconds: float | None = None) -> tuple[Seen, dict[str, float]]:
        body = self.orders.market.order()
        wanted = Wanted(self.port, "/v1/orders", body, {}, seconds or self.orders.seconds)
        return _pressed(wanted, {"http": self.http.pid, "service": self.service.pid} | pids_of(FOLDER, *SERVERS))


def run(setting: Setting, progress: Callable[[str], None]) -> list[Figure]:
    """Both settings, memory at rest and under load."""
    orders = Orders(setting)
    figures = [_idle(orders), _ceiling(setting)]
    with ExitStack() as running:
        control = Control(orders, running)
        figures += _rounds(orders, control, "_all_running", progress)
        peaks = _peaks(orders, control)
        orders.stop_work()
        figures += _rounds(orders, control, "", progress)
    orders.start_work()
    return [*figures, *peaks]


def _rounds(orders: Orders, control: Control, suffix: str, progress: Callable[[str], None]) -> list[Figure]:
    everything = bool(suffix)
    placed = Figure(f"orders_placed_per_s{suffix}", "1/s", CONTROL, bar=Bar(ratio_min=0.4 if everything else 0.6))
    p50 = Figure(f"orders_latency_p50_ms{suffix}", "ms", CONTROL)
    p99 = Figure(f"orders_latency_p99_ms{suffix}", "ms", CONTROL, bar=None if everything else Bar(ratio_max=2))
    cpu = Figure(f"orders_cpu_ms_per_order{suffix}", "ms", CONTROL)
    for number, order in orders.setting.alternating():
        found: dict[str, tuple[Seen, dict[str, float]]] = {}
        for side in order:
            time.sleep(SETTLE_S)
            if side == "subject":
                found[side] = orders.press()
            elif everything:
                with orders.work_held():
                    found[side] = control.press()
            else:
                found[side] = control.press()
        (subject, subject_ms), (bare, bare_ms) = found["subject"], found["control"]
        placed.add(subject.per_s, bare.per_s)
        p50.add(subject.p50_ms, bare.p50_ms)
        p99.add(subject.p99_ms, bare.p99_ms)
        cpu.add(sum(subject_ms.values()), sum(bare_ms.values()))
        cpu.add_parts(subject_ms)
        progress(f"orders{suffix} {number + 1}: {_told(subject, subject_ms)}; control {_told(bare, bare_ms)}")
    return [placed, p50, p99, cpu]


def _told(seen: Seen, cpu_ms: dict[str, float]) -> str:
    return (
        f"{seen.per_s:,.0f}/s, p50 {seen.p50_ms:.1f}, p99 {seen.p99_ms:.1f} ms, CPU {sum(cpu_ms.values()):.1f} ms each"
    )


def _idle(orders: Orders) -> Figure:
    figure = Figure("idle_resident_mib", "MiB")
    found = orders.idle_mib()
    figure.add(sum(found.values()))
    figure.add_parts(found)
    return figure


def _ceiling(setting: Setting) -> Figure:
    figure = Figure("load_generator_ceiling_per_s", "1/s")
    figure.add(ceiling(setting.sized(3, 1)).per_s)
    return figure


def _peaks(orders: Orders, control: Control) -> list[Figure]:
    """The largest resident set of each process up to now, and what the servers take after the load."""
    found = []
    compared = {"gateway": control.http.pid, "serve": control.service.pid}
    for program in PROGRAMS:
        figure = Figure(f"peak_{program}_mib", "MiB", CONTROL if program in compared else "")
        other = peak_mib(compared[program]) if program in compared else None
        figure.add(peak_mib(orders.platform.pid_of(program)), other)
        found.append(figure)
    for program, mib in orders.memory_mib().items():
        if program not in PROGRAMS:
            figure = Figure(f"loaded_{program.replace('-', '_')}_mib", "MiB")
            figure.add(mib)
            found.append(figure)
    return found
