"""One reader of the clock."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repo.tree import PRODUCTION, at, dotted, parsed, python

READS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "datetime.datetime.now", "datetime.datetime.utcnow",
    "date.today", "datetime.date.today", "time.time", "time.time_ns", "time.localtime", "time.gmtime",
}  # fmt: skip

ALLOWED = {
    "services/shared/chassis/clock.py": "it is the clock",
    "services/shared/kernel/ids.py": "the time in a UUIDv7 sorts index pages; no rule depends on it",
    "services/shared/chassis/object_store.py": "how long a file is kept is for the store to compare with its own clock",
}
ALLOWED_SQL = {
    "services/orders/adapters/papers.py": "outside a transaction of ours; it adds the database's offset itself",
}


def reads(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and dotted(node) in READS:
            yield node
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (node for name in node.names if name.name in {"time", "time_ns"})


def sql_reads(tree: ast.AST) -> Iterator[ast.AST]:
    """Texts in which the database would read its own clock."""
    words = ("now()", "current_timestamp", "current_date", "clock_timestamp()", "transaction_timestamp()")
    for node in ast.walk(tree):
        value = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        if _is_sql(value) and any(word in value.lower() for word in words):
            yield node


def _is_sql(value: str) -> bool:
    return any(word in value for word in ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DEFAULT", "WHERE"))


def test_only_the_clock_reads_the_clock() -> None:
    """Time is an argument; `chassis/clock.py` alone asks for it, so that tests and the demo can move it."""
    found = [(path, node) for path in python(*PRODUCTION) for node in reads(parsed(path))]
    assert [at(path, node) for path, node in found if path.as_posix() not in ALLOWED] == []
    assert {path.as_posix() for path, _ in found} == set(ALLOWED), "an exception that nobody needs any more"


def test_the_database_is_not_asked_either() -> None:
    """No now() in SQL: the database knows nothing of business time."""
    found = [(path, node) for path in python(*PRODUCTION) for node in sql_reads(parsed(path))]
    assert [at(path, node) for path, node in found if path.as_posix() not in ALLOWED_SQL] == []
    assert {path.as_posix() for path, _ in found} == set(ALLOWED_SQL), "an exception that nobody needs any more"


@pytest.mark.parametrize(
    "bad", ["datetime.now(UTC)", "x = time.time()", "default_factory=datetime.utcnow", "from time import time",
            "date.today()"],
)  # fmt: skip
def test_the_rule_sees_it(bad: str) -> None:
    """Called, passed on or imported under another roof."""
    assert list(reads(ast.parse(bad.replace("default_factory=", "d = "))))


def test_the_rule_sees_it_in_sql() -> None:
    """In a default of a column as well as in a query; not in prose."""
    assert list(sql_reads(ast.parse('"CREATE TABLE a (b timestamptz DEFAULT now())"')))
    assert not list(sql_reads(ast.parse('"what is now() is not then"')))


def test_seconds_that_only_grow_are_allowed() -> None:
    """Deadlines within a process are not times of day."""
    assert not list(reads(ast.parse("time.monotonic(); time.perf_counter(); clock.wall()")))


def test_exceptions_exist() -> None:
    """A path that moved would excuse nothing."""
    assert all(Path(path) in python() for path in (*ALLOWED, *ALLOWED_SQL))
