"""Migrations follow each other, and do nothing that a running version cannot stand."""

import re
from pathlib import Path

import pytest

from infra import migration
from tests.repo.tree import ROOT, files, text

VERSIONS = [path for path in files(".py") if path.parent.name == "versions" and "migrations" in path.parts]

FORBIDDEN = {
    "a time without zone": r"\btimestamp\b(?!\s+with\s+time|tz)",
    "a float": r"\b(?:double\s+precision|real|float[48]?)\b",
    "a decimal amount": r"\b(?:numeric|decimal|money)\b(?=\s*[(,\s])(?!\s*\$)",
    "the database's own clock": r"\bnow\(\)|\bcurrent_(?:timestamp|date)\b",
    "no limit to waiting for locks": r"lock_timeout",
    "triggers or constraints switched off": r"session_replication_role|disable\s+trigger",
    "rights for everybody": r"\bto\s+public\b",
    "rows thrown away": r"^\s*truncate\b",
    "a database of its own making": r"\bcreate\s+(?:database|role|user)\b",
    "a way back, which nobody tests": r"\bdef\s+downgrade\b",
}


def wrong(source: str) -> list[str]:
    """What is forbidden in the text of a migration; comments of SQL do not count."""
    statements = re.sub(r"--[^\n]*", "", source)
    return [what for what, pattern in FORBIDDEN.items() if re.search(pattern, statements, re.IGNORECASE | re.MULTILINE)]


def test_there_are_migrations() -> None:
    """Of each service that has a database, and of identity."""
    assert {path.parent for path in VERSIONS} == set(migration.FOLDERS.values())


@pytest.mark.parametrize("path", VERSIONS, ids=str)
def test_it_does_nothing_forbidden(path: Path) -> None:
    """No floats, no times without zone, no clock of the database, no waiting for ever; nothing is switched off."""
    assert wrong(text(path)) == []


@pytest.mark.parametrize("folder", sorted({path.parent for path in VERSIONS}), ids=str)
def test_each_follows_the_one_before(folder: Path) -> None:
    """Four digits without gaps, a sentence for a name, the revision in the file that of its name."""
    before = None
    for number, path in enumerate(sorted(each for each in VERSIONS if each.parent == folder), 1):
        assert re.fullmatch(rf"{number:04d}(_[a-z0-9]+)+\.py", path.name), path.name
        source = text(path)
        assert f'revision = "{number:04d}"' in source
        assert f"down_revision = {before}" in source
        assert source.startswith('"""')
        before = f'"{number:04d}"'


@pytest.mark.parametrize(
    "bad",
    [
        "paid_at timestamp NOT NULL", "rate double precision", "amount numeric(12, 2)", "DEFAULT now()",
        "SET lock_timeout = 0", "ALTER TABLE x DISABLE TRIGGER ALL", "GRANT SELECT ON x TO PUBLIC", "TRUNCATE x;",
        "def downgrade() -> None:",
    ],
)  # fmt: skip
def test_the_rule_sees_it(bad: str) -> None:
    """Each of them, where it is meant and not in a comment."""
    assert wrong(bad)
    assert not wrong(f"-- {bad}")


def test_the_next_one_is_numbered_and_named(tmp_path: Path) -> None:
    """`make migration` takes the next number, turns the sentence into the name, and follows the last one."""
    first = migration.create("orders", "Open the house.", tmp_path)
    second = migration.create("orders", 'add "condition" on receipt', tmp_path)
    assert first.name == "0001_open_the_house.py"
    assert (
        second.relative_to(tmp_path).as_posix()
        == "services/orders/migrations/versions/0002_add_condition_on_receipt.py"
    )
    assert "down_revision = None" in first.read_text("utf-8")
    assert 'revision = "0002"\ndown_revision = "0001"' in second.read_text("utf-8")
    compile(second.read_text("utf-8"), second.name, "exec")
    other = migration.create("identity", "another folder", tmp_path)
    assert other.name == "0001_another_folder.py"


@pytest.mark.parametrize("sentence", ["", "index", "加一列", "a " * 60])
def test_a_name_that_says_nothing_is_refused(sentence: str, tmp_path: Path) -> None:
    """One word is no sentence, and a file's name has an end."""
    with pytest.raises(migration.NameRefused):
        migration.create("orders", sentence, tmp_path)
    assert not list(tmp_path.rglob("*.py"))


def test_the_folders_are_the_real_ones() -> None:
    """Where the command writes is where the services look."""
    assert all((ROOT / folder).is_dir() for folder in migration.FOLDERS.values())
