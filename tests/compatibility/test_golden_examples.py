"""What was sent once is read for ever."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # its stubs are not locked

from infra.schemas.files import GOLDEN, SCHEMAS
from services.shared.messages import registry
from services.shared.messages.base import Message

CLASSES: dict[str, type[Message]] = {**registry.events(), **registry.commands(), **registry.queries()}
EXAMPLES = sorted(GOLDEN.glob("*/*.json"))


def _id(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def _with_more(part: Any) -> Any:
    """*part* as a later version might send it: a field more in every object."""
    if isinstance(part, dict):
        return {**{key: _with_more(value) for key, value in part.items()}, "added_later": {"by": ["somebody"]}}
    return [_with_more(value) for value in part] if isinstance(part, list) else part


def _missing(old: Any, new: Any, where: str = "") -> list[str]:
    """Where *new* does not say what *old* said; more than that it may say."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            problem
            for key, value in old.items()
            for problem in (_missing(value, new[key], f"{where}.{key}") if key in new else [f"{where}.{key} is gone"])
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [each for n, value in enumerate(old) for each in _missing(value, new[n], f"{where}[{n}]")]
    return [] if old == new else [f"{where} was {old!r} and is {new!r}"]


@pytest.mark.parametrize("path", EXAMPLES, ids=_id)
def test_an_old_message_is_read_and_nothing_of_it_is_lost(path: Path) -> None:
    """The present class reads it and, writing it again, says all that it said."""
    cls = CLASSES[path.parent.name]
    text = path.read_text("utf-8")
    read = cls.parse(text)
    written = read.model_dump_json()
    assert _missing(json.loads(text), json.loads(written)) == []
    assert cls.parse(written) == read


@pytest.mark.parametrize("path", EXAMPLES, ids=_id)
def test_fields_of_a_later_version_are_ignored(path: Path) -> None:
    """A reader of today reads what tomorrow's sender adds fields to, at any depth, as if they were not there."""
    cls = CLASSES[path.parent.name]
    text = path.read_text("utf-8")
    assert cls.parse(json.dumps(_with_more(json.loads(text)))) == cls.parse(text)


@pytest.mark.parametrize("path", EXAMPLES, ids=_id)
def test_the_published_schema_allows_it(path: Path) -> None:
    """What the classes read and what the schema promises are the same."""
    schema = json.loads((SCHEMAS / f"{path.parent.name}.json").read_text("utf-8"))
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert [error.message for error in validator.iter_errors(json.loads(path.read_text("utf-8")))] == []


def test_every_message_has_an_example() -> None:
    """`python -m infra.schemas golden` makes those that are missing."""
    assert {path.parent.name for path in EXAMPLES} == set(CLASSES)


def test_a_lost_field_would_be_seen() -> None:
    """The comparison of these tests catches a field that is gone, changed or shorter."""
    assert _missing({"a": {"b": 1}}, {"a": {}}) == [".a.b is gone"]
    assert _missing({"a": [1, 2]}, {"a": [1]}) == [".a was [1, 2] and is [1]"]
    assert _missing({"a": 1}, {"a": "1"}) == [".a was 1 and is '1'"]
    assert _missing({"a": 1}, {"a": 1, "b": 2}) == []
