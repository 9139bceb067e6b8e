"""HTTP statuses of ours are chosen in one file."""

import ast
from collections.abc import Iterator

import pytest

from tests.repo.tree import at, dotted, parsed, python

CHOSEN_IN = "gateway/problems.py"


def _is_status(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int and 100 <= node.value <= 599


def chosen(tree: ast.AST) -> Iterator[ast.AST]:
    """
    Where a status is written as a number, or taken from a library's list.

    A number counts where it is a status by its place: the argument `status_code`, a key of `responses`,
    what `.status_code` or `.status` is compared with or set to. Numbers elsewhere are limits and sizes.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword):
            if node.arg == "status_code" and _is_status(node.value):
                yield node.value
            elif node.arg == "responses" and isinstance(node.value, ast.Dict):
                yield from (key for key in node.value.keys if key is not None and _is_status(key))
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(dotted(side).rpartition(".")[2] in {"status_code", "status"} for side in sides):
                yield from (side for side in sides if _is_status(side))
        elif isinstance(node, ast.Assign):
            if any(dotted(target).rpartition(".")[2] == "status_code" for target in node.targets):
                yield from ([node.value] if _is_status(node.value) else [])
        elif isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == "HTTPException":
            yield node
        elif isinstance(node, ast.ImportFrom) and {name.name for name in node.names} & {"HTTPStatus", "status"}:
            yield from ([node] if node.module in {"http", "fastapi", "starlette"} else [])


def test_statuses_are_chosen_in_problems() -> None:
    """What an error means in HTTP is said once; the rest of the gateway raises errors, and names its successes."""
    found = [at(path, node) for path in python("gateway/") for node in chosen(parsed(path))
             if path.as_posix() != CHOSEN_IN]  # fmt: skip
    assert found == []


def test_services_know_no_http() -> None:
    """They refuse with a code; how it is told to a browser is not theirs. (What others answer us may be read.)"""
    names = {"HTTPException", "HTTPStatus"}
    found = [at(path, node) for path in python("services/") for node in ast.walk(parsed(path))
             if isinstance(node, ast.Name) and node.id in names]  # fmt: skip
    assert found == []


@pytest.mark.parametrize(
    "bad",
    [
        "Response(status_code=404)", "@router.post('/x', status_code=201)\ndef f(): ...", "answer.status_code == 409",
        "response.status_code = 500", "raise HTTPException(404)", "from http import HTTPStatus",
        "from fastapi import status", "router.get('/x', responses={404: {}})",
    ],
)  # fmt: skip
def test_the_rule_sees_it(bad: str) -> None:
    """In a decorator, an answer, a comparison or an exception."""
    assert list(chosen(ast.parse(bad)))


def test_names_and_limits_are_allowed() -> None:
    """`problems.CREATED` is a name; `limit=500` is no status."""
    assert not list(chosen(ast.parse("Response(status_code=problems.CREATED); Field(le=500); parked.status == 'done'")))
