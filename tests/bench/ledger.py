"""Posting to the ledger against plain PL/pgSQL that keeps none of its guarantees, on the same PostgreSQL."""

import re
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.figures import Bar, Figure
from tests.bench.setting import Setting
from tests.bench.stages import pgbench_program
from tests.kit.platform import ServiceDatabase, fresh_database

CLIENTS = 8
BATCH = 100
ACCOUNTS = 10_000

CONTROL = f"""
CREATE TABLE control_account (id int PRIMARY KEY, balance bigint NOT NULL DEFAULT 0);
CREATE TABLE control_entry (
  id bigserial PRIMARY KEY, account int NOT NULL, amount bigint NOT NULL, posted_at timestamptz NOT NULL
);
INSERT INTO control_account (id) SELECT generate_series(1, {ACCOUNTS});
CREATE FUNCTION control_post(p_from int, p_to int, p_amount bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM control_account WHERE id IN (p_from, p_to) ORDER BY id FOR UPDATE;
  INSERT INTO control_entry (account, amount, posted_at)
  VALUES (p_from, -p_amount, clock_timestamp()), (p_to, p_amount, clock_timestamp());
  UPDATE control_account SET balance = balance - p_amount WHERE id = p_from;
  UPDATE control_account SET balance = balance + p_amount WHERE id = p_to;
END $$;
"""
"""Two accounts locked in order, two entries, balances updated; no key, no event, no check, nobody told."""

SUBJECT = """
CREATE FUNCTION bench_post(n bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  id uuid := gen_random_uuid();
BEGIN
  PERFORM post_ledger(
    id, 'bench:' || id, sha256(id::text::bytea), 'receipt_card', id, 'OR-2026-000001', 'bench', '2026-11-23',
    '2026-11-23', NULL, ARRAY['A:psp:stripe', 'L:contract:' || n], ARRAY['D', 'C'], ARRAY[106000, 106000]::bigint[],
    ARRAY['CNY', 'CNY'], ARRAY[NULL, 0]::bigint[]);
  INSERT INTO outbox (event_id, type, stream, data, headers)
  VALUES (gen_random_uuid(), 'ledger.posted.v1', 'ledger/' || n, repeat('x', 600), '{}');
END $$;

CREATE FUNCTION bench_settle(party bigint, size int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ids uuid[];
  keys text[];
BEGIN
  SELECT array_agg(each.id), array_agg('bench:' || each.id) INTO ids, keys
  FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, size)) AS each;
  PERFORM post_ledger_batch(
    ids, keys, (SELECT array_agg(sha256(key::bytea)) FROM unnest(keys) AS key),
    array_fill('acceptance'::text, ARRAY[size]), ids, array_fill('OR-2026-000001'::text, ARRAY[size]), 'bench',
    array_fill('2026-11-23'::timestamptz, ARRAY[size]), '2026-11-23', array_agg(place), array_agg(line),
    array_agg(account), array_agg(side), array_agg(amount), array_agg('CNY'::text), array_agg(least))
  FROM generate_series(1, size) AS place CROSS JOIN LATERAL (VALUES
    (1, 'A:ar:customer:' || party, 'D', 106000::bigint, NULL::bigint), (2, 'R:service', 'C', 100000, NULL),
    (3, 'L:vat:output', 'C', 6000, NULL), (4, 'E:provider_service', 'D', 90000, NULL),
    (5, 'L:provider:' || party || ':accrued', 'C', 90000, 0)) AS entry (line, account, side, amount, least);
  INSERT INTO outbox (event_id, type, stream, data, headers)
  SELECT gen_random_uuid(), 'ledger.posted.v1', 'ledger/' || id, repeat('x', 600), '{}' FROM unnest(ids) AS id;
END $$;
"""
"""
What one call of a use case sends: production's functions and an outbox row of usual size for each transaction. A
settled order has five entries, three of them on accounts that every posting shares.
"""

SCRIPTS = {
    "control": f"\\set a random(1, {ACCOUNTS})\n\\set b random(1, {ACCOUNTS})\nSELECT control_post(:a, :b, 5);\n",
    "control_hot": f"\\set a random(2, {ACCOUNTS})\nSELECT control_post(:a, 1, 5);\n",
    "single": f"\\set n random(1, {ACCOUNTS})\nSELECT bench_post(:n);\n",
    "batch": f"\\set n random(1, {ACCOUNTS})\nSELECT bench_settle(:n, {BATCH});\n",
}


def run(setting: Setting, progress: Callable[[str], None]) -> list[Figure]:
    """Single postings and batches of settled orders, each beside the control in the same round, eight clients."""
    program = pgbench_program()
    if program is None:
        progress("pgbench is not installed: left out")
        return []
    single = Figure("ledger_single_per_s", "1/s", "plain PL/pgSQL", bar=Bar(ratio_min=0.25))
    batch = Figure("ledger_batch_per_s", "1/s", "plain PL/pgSQL", bar=Bar(ratio_min=1.5))
    hot = Figure("ledger_batch_hot_per_s", "1/s", "the same with one hot account", bar=Bar(ratio_min=5))
    target = fresh_database(setting.variables, "billing")
    target.change(CONTROL)
    target.change(SUBJECT)
    seconds = setting.sized(5, 2)
    for name in SCRIPTS:
        _rate(program, target, name, 2)
    for number, order in setting.alternating():
        measured: dict[str, float] = {}
        for side in order:
            for name in SCRIPTS:
                if name.startswith("control") == (side == "control"):
                    measured[name] = _rate(program, target, name, seconds)
        settled = measured["batch"] * BATCH
        single.add(measured["single"], measured["control"])
        batch.add(settled, measured["control"])
        hot.add(settled, measured["control_hot"])
        progress(
            f"ledger {number + 1}: single {measured['single']:,.0f}/s, settled {settled:,.0f}/s,"
            f" control {measured['control']:,.0f}/s, with a hot account {measured['control_hot']:,.0f}/s"
        )
    return [single, batch, hot]


def _rate(program: Path, target: ServiceDatabase, name: str, seconds: int) -> float:
    there = urlsplit(target.owner_url)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(SCRIPTS[name])
        script.flush()
        done = subprocess.run(
            [str(program), "--no-vacuum", "--client", str(CLIENTS), "--jobs", "2", "--time", str(seconds),
             "--protocol", "prepared", "--max-tries", "5", "--file", script.name, "--host", str(there.hostname),
             "--port", str(there.port), "--username", str(there.username), there.path.lstrip("/")],
            env={"PGPASSWORD": str(there.password), "PATH": "/usr/bin:/bin"},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    if found is None:
        raise ValueError(f"pgbench said: {done.stdout}")
    return float(found[1])
