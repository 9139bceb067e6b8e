"""
The real stack for tests: PostgreSQL, RabbitMQ and the object store, private, started once a run.

It lives under `var/test`; `YIQI_TEST_STACK` names another folder, and then it is left running at the
end, which makes repeated runs quick.
"""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
from sqlalchemy import Engine

from services.shared.chassis import database
from services.shared.chassis.definition import find
from services.shared.chassis.migrate import upgrade
from services.shared.chassis.settings import SourceSettings
from tests.kit.waiting import wait_until

ROOT = Path(__file__).parents[2]


def local(*arguments: str, timeout_s: float = 600) -> str:
    """Run a command of the local stack. Returns what it printed; raises when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "infra.local", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"infra.local {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def folder() -> str:
    """Where the stack of this run lives."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    return (os.environ.get("YIQI_TEST_STACK") or "var/test") + (f"-{worker}" if worker else "")


def rabbitmqctl(*arguments: str) -> str:
    """Run the broker's own command line against this run's node. Returns what it printed."""
    return local("rabbitmqctl", "--dir", folder(), *arguments)


def kill_database() -> None:
    """
    Stop PostgreSQL without goodbye or checkpoint, as `pg_ctl stop -m immediate` does. Returns when it is dead.

    Its supervisor starts it again.
    """
    from infra.local import state, supervise

    running = supervise.statuses(state.load(ROOT / folder()))["postgres"]
    if running.pid is None:
        raise RuntimeError("PostgreSQL does not run")
    os.kill(running.pid, signal.SIGQUIT)
    # It ends after all its sessions, so none of them commits anything after this.
    wait_until(lambda: not Path(f"/proc/{running.pid}").exists(), every_s=0.01)


def environment(where: str) -> dict[str, str]:
    """The YIQI_* variables of the stack in the folder *where*."""
    lines = local("env", "--dir", where).splitlines()
    return dict(word.split("=", 1) for line in lines for word in shlex.split(line) if word.startswith("YIQI_"))


@contextmanager
def running_stack() -> Iterator[dict[str, str]]:
    """The parts of a stack, without the platform's own processes; its variables are set in `os.environ`."""
    kept = os.environ.get("YIQI_TEST_STACK")
    where = folder()
    try:
        local("up", "--no-platform", "--dir", where)
    except RuntimeError as error:
        # Another stack took a port of this one while it was down; nobody has learnt ours by heart.
        if "is taken" not in str(error):
            raise
        local("up", "--no-platform", "--new-ports", "--dir", where)
    try:
        found = environment(where)
        os.environ.update(found)
        yield found
    finally:
        if kept is None:
            local("down", "--dir", where)


# Tables with triggers of ours on DELETE, UPDATE or TRUNCATE (bits 8, 16 and 32).
_GUARDED = "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal AND tgtype & 56 <> 0"


@dataclass(frozen=True)
class ServiceDatabase:
    """One service's database, emptied and migrated. *owner_url* may do what the service may not."""

    name: str
    url: str
    owner_url: str

    def engine(self, pool_size: int = 5) -> Engine:
        return database.engine(self.url, name=f"test {self.name}", pool_size=pool_size)

    def rows(self, statement: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """What *statement* returns, read over a connection of its own as the run-time role."""
        with psycopg2.connect(self.url) as connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            found: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
        connection.close()
        return found

    def change(self, statement: str, parameters: tuple[object, ...] = ()) -> None:
        """Run *statement* as the owner."""
        with psycopg2.connect(self.owner_url) as connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
        connection.close()

    def clear(self, tables: Sequence[str], then: str = "") -> None:
        """
        Throw away all rows of *tables* and run *then*, both without triggers that would refuse it.

        Truncating makes new files for a table and its indexes, which takes longer than most tests; so it is done to
        those only that have rows. Deleting would be quicker still, but leaves statistics of empty tables behind, and
        plans that suit them.
        """
        asked = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in tables)
        used = [name for (name,) in self.rows(asked)]
        # What has keys to them is emptied with them.
        emptying = f"TRUNCATE {', '.join(used)} CASCADE;" if used else ""
        guarded = [name for (name,) in self.rows(_GUARDED)]
        off = "".join(f"ALTER TABLE {name} DISABLE TRIGGER USER;" for name in guarded)
        on = "".join(f"ALTER TABLE {name} ENABLE TRIGGER USER;" for name in guarded)
        self.change(f"{off} {emptying} {then}; {on}")


def fresh_database(stack: Mapping[str, str], name: str) -> ServiceDatabase:
    """Empty the database of service *name* and migrate it to the newest schema."""
    prefix = f"YIQI_{name.upper()}"
    made = ServiceDatabase(name, stack[f"{prefix}_DATABASE_URL"], stack[f"{prefix}_OWNER_DATABASE_URL"])
    empty(made)
    definition = find(name)
    settings: SourceSettings = definition.settings()
    upgrade(definition, settings)
    return made


def still_there(target: ServiceDatabase, table: str, stack: Mapping[str, str]) -> None:
    """Migrate *target* anew where tests of something else, which share the stack, have emptied it meanwhile."""
    if not target.rows("SELECT 1 WHERE to_regclass(%s) IS NOT NULL", (table,)):
        fresh_database(stack, target.name)


def empty(target: ServiceDatabase) -> None:
    """Throw away all tables of *target*, keeping the run-time role's rights on what comes next."""
    role = urlsplit(target.url).username
    target.change(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user;"
        f'DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO "{role}";'
        "REVOKE ALL ON SCHEMA public FROM PUBLIC;"
        f'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "{role}";'
        f'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO "{role}";'
        f'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO "{role}"'
    )
