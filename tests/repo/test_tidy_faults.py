"""The table of faults names tests that are there."""

import ast
import re
from pathlib import Path

from tests.repo.tree import ROOT, parsed, text

PAGE = Path("docs/operations/faults.md")
ROW = re.compile(r"^\| ([FS]\d+) \|.*\| `([^`]+)` \|$", re.MULTILINE)
EVENTS = {f"F{number}" for number in range(1, 24)}


def missing(named: str) -> bool:
    """Whether there is no such test as *path::name*."""
    path, _, name = named.partition("::")
    if not (ROOT / path).is_file():
        return True
    return not any(isinstance(node, ast.FunctionDef) and node.name == name for node in parsed(Path(path)).body)


def test_every_fault_has_its_test() -> None:
    """Every row of docs/operations/faults.md names a test that exists, and no fault of events is without one."""
    rows = ROW.findall(text(PAGE))
    assert len(rows) == len(re.findall(r"^\| [FS]\d+ \|", text(PAGE), re.MULTILINE))
    assert {number for number, _ in rows} >= EVENTS
    assert [named for _, named in rows if missing(named)] == []


def test_a_test_that_is_gone_is_seen() -> None:
    """The rule can fail."""
    assert missing("tests/repo/test_tidy_faults.py::test_of_nothing")
    assert missing("tests/repo/nowhere.py::test_every_fault_has_its_test")
    assert not missing("tests/repo/test_tidy_faults.py::test_every_fault_has_its_test")
