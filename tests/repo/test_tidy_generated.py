"""Generated files are current, and no event is stated to nobody or by nobody."""

import ast
from pathlib import Path

import pytest

from infra.schemas import files as schema_files
from infra.schemas.consumers import consumers
from services.shared.messages.registry import events
from tests.repo.tree import parsed, python

HOME = {"identity": "gateway/identity/"}

NOT_STATED_YET: set[str] = set()
"""Wire names with a class and no use case that publishes them. To be emptied, not filled."""

NOBODY_ACTS = {
    "analysis.started.v1", "analysis.finished.v1",
    "quotation.accepted.v1", "quotation.declined.v1", "quotation.expired.v1", "quotation.superseded.v1",
    "quotation.withdrawn.v1",
    "quotation_request.closed.v1", "quotation_request.expired.v1", "quotation_request.withdrawn.v1",
}  # fmt: skip
"""Wire names that no service acts on yet: they stand in the log of orders, and nobody is told by mail."""


def test_generated_files_are_current() -> None:
    """`make schemas` changes nothing."""
    assert schema_files.drift(schema_files.generated()) == []


def test_drift_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is missing, altered or left over is named."""
    monkeypatch.setattr(schema_files, "ROOT", tmp_path)
    monkeypatch.setattr(schema_files, "_WHOLE_FOLDERS", (tmp_path,))
    (tmp_path / "altered.json").write_text("{}")
    (tmp_path / "left_over.json").write_text("{}")
    (tmp_path / "same.json").write_text("{}")
    wanted = {tmp_path / "altered.json": "[]", tmp_path / "missing.json": "{}", tmp_path / "same.json": "{}"}
    assert schema_files.drift(wanted) == ["altered.json", "left_over.json", "missing.json"]
    schema_files.write(wanted)
    assert schema_files.drift(wanted) == []


def _used_by(source: str) -> set[str]:
    """Names that the code of *source* uses, apart from importing them."""
    return {
        node.id if isinstance(node, ast.Name) else node.attr
        for path in python(HOME.get(source, f"services/{source}/"))
        if path.name != "subscriptions.py"
        for node in ast.walk(parsed(path))
        if isinstance(node, (ast.Name, ast.Attribute))
    }


def test_every_event_is_stated_by_its_owner() -> None:
    """A class of an event that its service never uses is a promise nobody keeps."""
    used = {source: _used_by(source) for source in {cls.source for cls in events().values()}}
    silent = {name for name, cls in events().items() if cls.__name__ not in used[cls.source]}
    assert silent == NOT_STATED_YET


def test_every_event_is_acted_on() -> None:
    """An event that no service subscribes to is named here, so that it is meant and not forgotten."""
    assert {name for name in events() if not consumers().get(name)} == NOBODY_ACTS
