"""
Where the time goes: one process of ours under py-spy while it is pressed as in the bench.

    python -m tests.bench.profile gateway|serve|work|relay|receiver|handlers [--seconds 8]

Of gateway, serve and work it counts the time in Python, of the stages waiting for PostgreSQL and RabbitMQ too.
Writes `var/profile-<name>.folded`, which speedscope and flamegraph.pl read, and `var/profile-<name>.txt`:
the functions by their own time and by the time under them.
"""

import argparse
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from tests.bench import stages
from tests.bench.events import Effects
from tests.bench.load import Wanted, in_a_process
from tests.bench.orders import Orders
from tests.bench.setting import Setting, end, parts
from tests.kit import probe
from tests.kit.platform import ROOT
from tests.kit.waiting import wait_until

PROGRAMS = ("gateway", "serve", "work")
SAMPLES_PER_S = 200
TOP = 40
EVENTS_PER_S = 6_000
"""More than any stage does, so that there is work until the end."""


def sampling(pid: int, seconds: float, target: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """py-spy beside *pid*; ends by itself after *seconds*."""
    program = Path(sys.executable).parent / "py-spy"
    return subprocess.Popen(
        [str(program), "record", "--pid", str(pid), "--duration", str(round(seconds)), "--rate", str(SAMPLES_PER_S),
         "--format", "raw", "--function", "--output", str(target), *arguments],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def of_program(setting: Setting, name: str, seconds: float, target: Path) -> None:
    """A process of the platform while eight connections place orders."""
    orders = Orders(setting)
    if name != "work":
        orders.stop_work()
    port = orders.platform.stack.port("gateway")
    body, headers = orders.market.order(), orders.market.headers
    in_a_process(Wanted(port, "/v1/orders", body, headers, 2))
    # Many threads, most of which wait: counted is who holds the interpreter.
    spy = sampling(orders.platform.pid_of(name), seconds, target, "--gil")
    in_a_process(Wanted(port, "/v1/orders", body, headers, seconds))
    spy.wait()


def of_stage(setting: Setting, name: str, seconds: float, target: Path) -> None:
    """Relay, receiver or handlers alone over a backlog."""
    count = int(EVENTS_PER_S * seconds)
    stages.prepare_backlog(setting, count)
    for earlier in stages.STAGES:
        if earlier == name:
            break
        stages.rate(setting, earlier, count)
    whose, progress = stages.STAGES[name]
    process = probe.start(whose, name, YIQI_LOG_LEVEL="warning")
    try:
        with closing(Effects(setting.database(whose).url)) as seen:
            wait_until(lambda: seen.one(progress) > 0, 60)
        sampling(process.pid, seconds, target).wait()
    finally:
        end(process)


def top(stacks: Sequence[str]) -> str:
    """Functions of collapsed *stacks* ("a;b;c 12") by their own samples, and by those under them too."""
    own: Counter[str] = Counter()
    under: Counter[str] = Counter()
    for line in stacks:
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        own[frames[-1]] += int(count)
        for frame in set(frames):
            under[frame] += int(count)
    total = own.total()
    if not total:
        raise ValueError("py-spy saw nothing: the process waited all the time, or may not be looked at")

    def listed(counted: Counter[str]) -> list[str]:
        return [f"{100 * count / total:6.1f} %  {frame}" for frame, count in counted.most_common(TOP)]

    return "\n".join([f"{total} samples", "", "own time", *listed(own), "", "with what it calls", *listed(under), ""])


def main() -> int:
    options = argparse.ArgumentParser(
        prog="python -m tests.bench.profile", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("name", choices=(*PROGRAMS, *stages.STAGES))
    options.add_argument("--seconds", type=float, default=8)
    given = options.parse_args()
    target = ROOT / "var" / f"profile-{given.name}.folded"
    target.parent.mkdir(exist_ok=True)
    with parts(rounds=1, quick=False) as setting:
        profiled = of_program if given.name in PROGRAMS else of_stage
        profiled(setting, given.name, given.seconds, target)
    text = top(target.read_text("utf-8").splitlines())
    target.with_suffix(".txt").write_text(text, "utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
