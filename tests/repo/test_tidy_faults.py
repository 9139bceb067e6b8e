"""The table of faults names tests that are there."""

import ast
import re
from pathlib import Path

from tests.repo.tree import ROOT, parsed, text

PAGE = Path("docs/operations/faults.md")
ROW = re.compile(r"^\| ([FMS]\d+) \|.*\| (`[^|]+`) \|$", re.MULTILINE)
EVENTS = {f"F{number}" for number in range(1, 24)}
MONEY = {f"M{number}" for number in range(1, 14)}


def missing(named: str) -> bool:
    """Whether there is no such test as *path::name*."""
    path, _, name = named.partition("::")
    if not (ROOT / path).is_file():
        return True
    return not any(isinstance(node, ast.FunctionDef) and node.name == name for node in parsed(Path(path)).body)


def test_every_fault_has_its_test() -> None:
    """Every row of docs/operations/faults.md names tests that exist; no fault of events or money is without one."""
    rows = ROW.findall(text(PAGE))
    assert len(rows) == len(re.findall(r"^\| [FMS]\d+ \|", text(PAGE), re.MULTILINE))
    assert {number for number, _ in rows} >= EVENTS | MONEY
    named = [each for _, tests in rows for each in re.findall(r"`([^`]+)`", tests)]
    assert len(named) >= len(rows)
    assert [each for each in named if missing(each)] == []


def test_a_test_that_is_gone_is_seen() -> None:
    """The rule can fail."""
    assert missing("tests/repo/test_tidy_faults.py::test_of_nothing")
    assert missing("tests/repo/nowhere.py::test_every_fault_has_its_test")
    assert not missing("tests/repo/test_tidy_faults.py::test_every_fault_has_its_test")
