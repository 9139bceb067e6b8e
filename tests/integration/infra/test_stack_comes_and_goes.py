"""Starting twice, and what a kill -9 of anything leaves behind."""

import io
import json
import os
import signal
import socket
import stat
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from minio.error import S3Error

from infra.local import object_store, postgres, processes, rabbitmq, supervise
from infra.local.ports import choose
from tests.integration.infra.local_stack import LocalStack


def _eventually(check: Callable[[], bool], within_s: float = 40) -> bool:
    deadline = time.monotonic() + within_s
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_second_up_changes_nothing_and_says_so(stack: LocalStack) -> None:
    before, environment = stack.pids(), stack.environment()
    status = json.loads(stack.run("status", "--json").out)  # 1: the platform itself was not asked for
    assert {program["name"]: program["pid"] for program in status["programs"] if program["pid"]} == before
    answer = stack.must("up", "--no-platform")
    assert "already up" in answer.told
    assert (stack.pids(), stack.environment()) == (before, environment)


def test_secrets_are_for_the_owner_only(stack: LocalStack) -> None:
    secret = stack.state().secrets["database orders"]
    told = [path for path in stack.directory.rglob("*") if path.is_file() and path.suffix in {".json", ".conf"}]
    holding = [path for path in told if secret in path.read_text(errors="replace")]
    assert stack.directory / "stack.json" in holding
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in holding)


def test_everything_listens_on_loopback_only(stack: LocalStack) -> None:
    pids = processes.with_descendants(stack.pids().values())
    sockets = {
        str(entry.readlink())
        for pid in pids
        for entry in Path(f"/proc/{pid}/fd").iterdir()
        if str(entry.readlink()).startswith("socket:")
    }
    addresses = {
        fields[1].rpartition(":")[0]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if (fields := line.split())[3] == "0A" and f"socket:[{fields[9]}]" in sockets
    }
    loopback = {"0100007F", "00000000000000000000000001000000"}
    assert addresses
    assert addresses <= loopback


def test_killed_postgres_comes_back_with_its_data(stack: LocalStack) -> None:
    url = stack.environment()["YIQI_ORDERS_OWNER_DATABASE_URL"]
    with closing(psycopg2.connect(url)) as session, session, session.cursor() as cursor:
        cursor.execute("CREATE TABLE survives (word text); INSERT INTO survives VALUES ('committed')")
    killed = stack.pids()["postgres"]
    os.kill(killed, signal.SIGKILL)
    assert _eventually(lambda: stack.pids().get("postgres") not in {killed, None} and postgres.is_ready(stack.state()))
    with closing(psycopg2.connect(url)) as session, session, session.cursor() as cursor:
        cursor.execute("SELECT word FROM survives")
        assert cursor.fetchall() == [("committed",)]
        cursor.execute("DROP TABLE survives")


def test_killed_object_store_comes_back_with_its_objects(stack: LocalStack) -> None:
    store = object_store.client(stack.state(), "orders")
    store.put_object("yiqi-orders", "survives", io.BytesIO(b"stored"), 6)
    os.kill(stack.pids()["object-store"], signal.SIGKILL)
    assert _eventually(lambda: object_store.is_ready(stack.state()))

    def stored() -> bytes | None:
        try:
            with closing(store.get_object("yiqi-orders", "survives")) as answer:
                found: bytes = answer.read()
                answer.release_conn()
                return found
        except S3Error as error:
            # It answers before it has found its volumes again; any other refusal would be a loss.
            if error.code != "InternalError":
                raise
            return None

    assert _eventually(lambda: stored() is not None)
    assert stored() == b"stored"


def test_up_after_killed_supervisor_stops_orphans_and_starts_afresh(stack: LocalStack) -> None:
    before = stack.pids()
    supervisor = supervise.record(stack.state())
    assert supervisor is not None
    # A stale record whose pid now belongs to somebody else: that process must not be touched.
    (stack.directory / "run" / "bystander.json").write_text(
        json.dumps({
            "name": "bystander", "pid": os.getpid(), "start_ticks": 1, "boot_id": processes.boot_id(),
            "stop_signal": "KILL", "stop_wait_s": 1,
        })
    )  # fmt: skip
    (stack.directory / "run" / "half.json").write_text('{"name": "ha')
    os.kill(supervisor.pid, signal.SIGKILL)
    answer = stack.must("up", "--no-platform")
    assert "left behind" in answer.told
    after = stack.pids()
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values())
    assert all(processes.start_ticks(pid) is None for pid in before.values())
    assert rabbitmq.is_ready(stack.state())


def test_taken_port_is_named_with_its_holder(tmp_path: Path) -> None:
    other = LocalStack(tmp_path / "other")
    other.directory.mkdir()
    fresh = other.state()
    with socket.socket() as holder:
        fresh.ports["smtp"] = choose(())
        fresh.save()
        holder.bind(("127.0.0.1", fresh.ports["smtp"]))
        holder.listen(1)
        try:
            answer = other.run("up", "--no-platform")
        finally:
            other.run("clean")
    assert answer.code == 4
    assert f"Port {fresh.ports['smtp']} " in answer.told
    assert f"pid {os.getpid()} " in answer.told
    assert not other.directory.exists()


def test_damaged_state_is_told_and_can_be_cleaned(tmp_path: Path) -> None:
    broken = LocalStack(tmp_path / "broken")
    broken.directory.mkdir()
    (broken.directory / "stack.json").write_text('{"ports": ')
    (broken.directory / "mine.txt").write_text("not the stack's")
    answer = broken.run("up")
    assert answer.code == 1
    assert "damaged" in answer.told
    broken.must("clean")
    assert [path.name for path in broken.directory.iterdir()] == ["mine.txt"]


def test_memory_counts_every_part(stack: LocalStack) -> None:
    measured = json.loads(stack.must("memory", "--json").out)
    assert {"postgres", "rabbitmq", "epmd", "object-store", "supervisord"} <= measured["platform_kib"].keys()
    assert "smtp" in measured["stand_ins_kib"]
    assert measured["total_kib"] == sum(measured["platform_kib"].values())
    assert measured["total_kib"] < 600 * 1024


def test_restart_sets_environment_until_the_next(stack: LocalStack) -> None:
    def of_smtp() -> bytes:
        return Path(f"/proc/{stack.pids()['smtp']}/environ").read_bytes()

    before = stack.pids()
    stack.must("restart", "smtp", "--set", "YIQI_FAILPOINT=here:crash")
    assert b"YIQI_FAILPOINT=here:crash" in of_smtp()
    stack.must("restart", "smtp")
    assert b"YIQI_FAILPOINT" not in of_smtp()
    after = stack.pids()
    assert after.pop("smtp") != before.pop("smtp")
    assert after == before


def test_restart_of_unknown_program_names_the_known(stack: LocalStack) -> None:
    answer = stack.run("restart", "nonsense")
    assert answer.code == 1
    assert "rabbitmq" in answer.told


@pytest.mark.parametrize("command", ["down", "clean"])
def test_stopping_what_never_was_is_no_error(command: str, tmp_path: Path) -> None:
    assert LocalStack(tmp_path / "never").must(command).code == 0
    assert not (tmp_path / "never").exists()
