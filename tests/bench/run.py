"""
Measures Yiqi against plain controls on this machine.

    python -m tests.bench.run [--only NAME …] [--rounds 5] [--quick]

NAME is a part (pgbench, amqp, events, latency, ledger, settlements, orders) or a figure's name. Prints a table and
writes `var/bench.json`. `tests/bench/README.md` says how to read both.
"""

import argparse
import sys
from collections.abc import Callable, Sequence

from rich.console import Console

from tests.bench import events, events_latency, ledger, orders, settlements, stages
from tests.bench.figures import Figure, keep, show
from tests.bench.setting import Setting, parts
from tests.kit.platform import ROOT

Run = Callable[[Setting, Callable[[str], None]], list[Figure]]

PARTS: dict[str, tuple[Run, tuple[str, ...]]] = {
    "pgbench": (stages.run_pgbench, ("pgbench_",)),
    "amqp": (stages.run_amqp, ("amqp_", "relay_alone", "receiver_alone", "handlers_alone")),
    "events": (events.run, ("events_backlog", "peak_events")),
    "latency": (events_latency.run, ("events_latency",)),
    "ledger": (ledger.run, ("ledger_",)),
    "settlements": (settlements.run, ("settlements_",)),
    "orders": (orders.run, ("orders_", "idle_", "peak_", "loaded_", "load_generator")),
}
"""In this order: orders fills the databases that the others empty. A part is known by its figures' beginnings."""


def chosen(names: Sequence[str]) -> list[str]:
    """
    The parts that *names* ask for; all without any.

    Raises:
        SystemExit: A name is no part and no figure of one.
    """
    wanted = set()
    for name in names:
        found = [part for part, (_, prefixes) in PARTS.items() if name == part or name.startswith(prefixes)]
        if not found:
            raise SystemExit(f"{name} is no part and no figure; parts: {', '.join(PARTS)}")
        wanted.add(found[0])
    return [part for part in PARTS if part in wanted or not names]


def main() -> int:
    options = argparse.ArgumentParser(
        prog="python -m tests.bench.run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--only", nargs="+", default=[], metavar="NAME")
    options.add_argument("--rounds", type=int, help="default 5; with --quick 2")
    options.add_argument(
        "--quick", action="store_true", help="a trial that shows that all of it works; figures do not count"
    )
    given = options.parse_args()
    console = Console(stderr=True)
    wanted = chosen(given.only)
    found = []
    with parts(rounds=given.rounds or (2 if given.quick else 5), quick=given.quick) as setting:
        for part in wanted:
            console.rule(part)
            found += [figure.as_json() for figure in PARTS[part][0](setting, console.print)]
    show(found, Console(width=None if sys.stdout.isatty() else 160))
    keep(found, ROOT / "var" / ("bench-quick.json" if given.quick else "bench.json"))
    return 1 if any(row["met"] is False for row in found) and not given.quick else 0


if __name__ == "__main__":
    sys.exit(main())
