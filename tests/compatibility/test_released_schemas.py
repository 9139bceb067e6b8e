"""What was released keeps its promise: a wire name never changes its meaning."""

import json
import re
from pathlib import Path

import pytest

from infra.schemas.breaking import breaking
from infra.schemas.files import RELEASED
from infra.schemas.json_schema import named, of
from services.shared.messages import registry

NAMES = sorted(path.stem for path in RELEASED.glob("*.json"))
HERE = Path(__file__).parent
CHANGED = json.loads((HERE / "changed_before_first_release.json").read_text("utf-8"))
CHANGELOG = HERE.parents[1] / "CHANGELOG.md"


def _major_after(name: str) -> str:
    stem, _, version = name.rpartition(".v")
    return f"{stem}.v{int(version) + 1}"


@pytest.mark.parametrize("name", NAMES)
def test_a_released_message_may_only_gain_optional_fields(name: str) -> None:
    """Anything else needs a new major version in the wire name, and both are published for a time."""
    classes = named()
    event = name in registry.events()
    if name not in classes:
        is_event = ".v" in name
        assert is_event, f"{name} was released and is gone"
        assert _major_after(name) in classes, f"{name} was released and is gone without a later major version"
        return
    found = breaking(json.loads((RELEASED / f"{name}.json").read_text("utf-8")), of(classes[name], name), event=event)
    if name in CHANGED:
        assert found, f"{name} breaks nobody: take it off the list"
    else:
        assert found == []


def test_messages_are_changed_in_place_only_before_the_first_release() -> None:
    """Each with its reason. With the first release the list is emptied, and a change is a new major version."""
    assert CHANGED.keys() <= set(NAMES)
    assert all(CHANGED.values())
    if re.search(r"^## \[?\d", CHANGELOG.read_text("utf-8"), re.MULTILINE):
        assert not CHANGED


def test_there_is_a_release_to_measure_by() -> None:
    """An empty folder would let everything pass."""
    assert len(NAMES) >= len(registry.events())
