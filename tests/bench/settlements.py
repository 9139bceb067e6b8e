"""100,000 accepted orders of 100 providers into 100 statements: by the use case, in a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from tests.bench.figures import Bar, Figure
from tests.bench.setting import Setting
from tests.kit.platform import ROOT, ServiceDatabase, fresh_database

ORDERS = 100_000
PROVIDERS = 100

FILL = """
INSERT INTO organisation SELECT md5('p' || n)::uuid, 'provider', 'P' || n, lpad(n::text, 18, '0'), '', '', '', ''
FROM generate_series(1, {providers}) n;
INSERT INTO contracted_order (order_id, number, customer_id, provider_id, title, currency, net, tax, gross, split_terms,
                              contracted_at, accepted_at)
SELECT md5('o' || n)::uuid, 'OR-2026-' || lpad(n::text, 6, '0'), md5('c')::uuid,
       md5('p' || 1 + n % {providers})::uuid, 'SEM', 'CNY', 100000, 6000, 106000, '{{}}', '2026-11-01', '2026-11-02'
FROM generate_series(1, {orders}) n;
INSERT INTO accrual (accrual_id, key, kind, order_id, party_kind, party_id, order_number, title, currency, order_net,
                     fee, base, base_of, net, tax, tax_rate_bps, special_invoice, accepted_at, payable_from, corrects)
SELECT gen_random_uuid(), 'accept:' || order_id || ':provider', 'acceptance', order_id, 'provider', provider_id, number,
       title, 'CNY', 100000, 10000, 100000, 'order_net', 90000, 5400, 600, true, accepted_at, '2026-11-09', ''
FROM contracted_order;
"""


def run(setting: Setting, progress: Callable[[str], None]) -> list[Figure]:
    """Each round on a database of its own: closing empties what it counts."""
    took = Figure("settlements_s", "s", "", bar=Bar(value_max=60))
    memory = Figure("settlements_memory_mib", "MiB", "", bar=Bar(value_max=400))
    orders = setting.sized(ORDERS, 10_000)
    for number in range(setting.rounds):
        target = fresh_database(setting.variables, "billing")
        target.change(FILL.format(orders=orders, providers=PROVIDERS))
        target.change("ANALYZE accrual, contracted_order, organisation")
        seconds, mib, statements, stated = _close(target)
        if (statements, stated) != (PROVIDERS, orders):
            raise ValueError(f"{statements} statements over {stated} orders")
        took.add(seconds)
        memory.add(mib)
        progress(f"settlements {number + 1}: {orders:,} orders into {statements} in {seconds:.1f} s, {mib:.0f} MiB")
    return [took, memory]


def _close(target: ServiceDatabase) -> tuple[float, float, int, int]:
    """Seconds, the most memory of the closing process and of its PostgreSQL backend together, statements, orders."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.settlements", target.url],
        cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    ((statements, stated),) = target.rows("SELECT count(*), sum(order_count) FROM settlement")
    return found["seconds"], found["mib"], int(statements), int(stated)


def main(url: str) -> None:
    """Close once on the database at *url*, as the service does, and print what it took."""
    from sqlalchemy import text

    from services.billing.adapters.unit_of_work import BillingUnitOfWork
    from services.billing.use_cases.settlement import close_settlements
    from services.shared.chassis import database
    from services.shared.chassis.clock import SystemClock
    from services.shared.chassis.unit_of_work import Cause, closing
    from services.shared.messages.billing.settlement import CloseSettlements
    from tests.kit.fakes_billing import FINANCE

    engine = database.engine(url, name="bench", pool_size=1)
    began = time.monotonic()
    now = datetime(2026, 11, 23, tzinfo=UTC)
    with database.transaction(engine, SystemClock()) as (held, _):
        uow = BillingUnitOfWork(connection=held, cause=Cause("bench", "bench", ""), now=now)
        close_settlements(CloseSettlements(until=date(2026, 11, 23)), actor=FINANCE, uow=uow, now=now)
        statements, parameters = closing([uow])
        database.driver(held).cursor().execute(statements, parameters)
        backend = held.execute(text("SELECT pg_backend_pid()")).scalar_one()
        peak = _peak_mib(os.getpid()) + _peak_mib(backend)
    seconds = time.monotonic() - began
    sys.stdout.write(json.dumps({"seconds": seconds, "mib": peak}) + "\n")


def _peak_mib(pid: int) -> float:
    """The most that a process has held, less what it shares with others (PostgreSQL's buffers)."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines())
    return (int(status["VmHWM"].split()[0]) - int(status["RssShmem"].split()[0])) / 1024


if __name__ == "__main__":
    main(sys.argv[1])
