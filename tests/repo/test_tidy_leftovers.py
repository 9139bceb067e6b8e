"""Nothing is left lying about."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repo.tree import ROOT, at, files, parsed, python, text

# Split, so that it does not find itself.
MARKER = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")  # fmt: skip
TEXTS = (
    ".md", ".sh", ".toml", ".html", ".css", ".js", ".typ", ".txt", ".yaml", ".yml", "Makefile", "Dockerfile", ".ci/run",
)  # fmt: skip
MACHINE = re.compile(r"(?<![\w.~-])/(?:work|root|home)/\w")
OUTSIDE = re.compile(r"\.\./" r"shared\b")  # fmt: skip


def comments(source: str, wanted: re.Pattern[str]) -> Iterator[int]:
    """Lines of a Python file on which a comment holds what is *wanted*."""
    if not wanted.search(source):  # taking a file apart is a hundred times slower
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and wanted.search(token.string):
            yield token.start[0]


def _markers_in_python() -> list[str]:
    found = [at(path, line) for path in python() for line in comments(text(path), MARKER)]
    for path in (path for path in python() if MARKER.search(text(path))):
        for node in ast.walk(parsed(path)):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                documented = ast.get_docstring(node) or ""
                found += [at(path, node)] if MARKER.search(documented) else []
    return found


def test_no_markers() -> None:
    """Work that is not done stands in an issue, not in the code."""
    found = _markers_in_python()
    for path in files(*TEXTS):
        found += [at(path, n) for n, line in enumerate(text(path).splitlines(), 1) if MARKER.search(line)]
    assert found == []


def unfinished(tree: ast.AST) -> Iterator[ast.AST]:
    """`raise NotImplementedError`, and functions whose body is `pass` alone."""
    for node in ast.walk(tree):
        named = isinstance(node, ast.Name) and node.id == "NotImplementedError"
        if named or (isinstance(node, ast.FunctionDef) and all(isinstance(part, ast.Pass) for part in node.body)):
            yield node


def test_no_stubs() -> None:
    """What is there works; what does not work yet is not there."""
    found = [at(path, node) for path in python("services/", "gateway/", "infra/") for node in unfinished(parsed(path))]
    assert found == []


def test_silenced_checks_say_which() -> None:
    """`type: ignore` and `noqa` name what they silence, so that nothing else hides behind them."""
    bare = re.compile(r"type:\s*ignore(?!\[[a-z, -]+\])|noqa(?!:\s*[A-Z]+[0-9]+)", re.IGNORECASE)
    assert [at(path, line) for path in python() for line in comments(text(path), bare)] == []


def test_no_path_of_one_machine() -> None:
    """Nothing points to a folder that only its author has."""
    found = []
    for path in files(".py", ".json", *TEXTS):
        found += [
            at(path, n)
            for n, line in enumerate(text(path).splitlines(), 1)
            if MACHINE.search(line) or OUTSIDE.search(line)
        ]
    assert found == []


@pytest.mark.parametrize("bad", ["x = 1  # " + "TO" + "DO later", "# FIX" + "ME", "f()  # a HA" + "CK"])
def test_markers_are_seen(bad: str) -> None:
    """In a comment, and not in a text that happens to hold the letters."""
    assert list(comments(bad, MARKER)) == [1]
    assert not list(comments(f"x = {bad!r}", MARKER))


@pytest.mark.parametrize("folder", ["work", "root", "home"])
@pytest.mark.parametrize("around", ["{}", "cd {}", "({})", "'{}'"])
def test_machine_paths_are_seen(folder: str, around: str) -> None:
    """Within quotes, brackets or a sentence."""
    assert MACHINE.search(around.format(f"/{folder}/anna"))


@pytest.mark.parametrize("good", ["/v1/work/orders", "./work/x", "~/home/x", "/homepage", "artwork/a"])
def test_other_paths_are_not(good: str) -> None:
    """Addresses of the API and relative paths are nobody's machine."""
    assert not MACHINE.search(good)


SIZE_MAX = 400
LONGER = {
    "tests/kit/fakes_orders.py": "one in-memory unit of work; it is read beside its ports, from top to bottom",
    "tests/kit/fakes_billing.py": "likewise",
    "services/README.md": "most of it is tables that are generated, a line for each message",
    "tests/unit/billing/test_settlement_use_cases.py": "one table of worked cases and what each must come to",
}
"""May be longer, each with its reason. At most four: a longer list would be another rule."""


def test_files_are_short() -> None:
    """Past 400 lines a noun is missing."""
    long = {
        path.as_posix(): lines
        for path in files(".py", ".md", ".html", ".typ", ".sh")
        if (lines := len(text(path).splitlines())) > SIZE_MAX
    }
    assert {path: lines for path, lines in long.items() if path not in LONGER} == {}
    assert len(LONGER) <= 4


def test_the_rules_look_at_something() -> None:
    """A rule over no files would hold for ever."""
    assert len(python()) > 300
    assert Path("README.md") in files(".md")
    assert (ROOT / "Makefile").exists()


@pytest.mark.parametrize("bad", ["raise NotImplementedError", "raise NotImplementedError('x')", "def f(): pass"])
def test_stubs_are_seen(bad: str) -> None:
    """Raised as a class or an instance, or passed over."""
    assert list(unfinished(ast.parse(bad)))
