"""What was released keeps its promise: a wire name never changes its meaning."""

import json

import pytest

from infra.schemas.breaking import breaking
from infra.schemas.files import RELEASED
from infra.schemas.json_schema import named, of
from services.shared.messages import registry

NAMES = sorted(path.stem for path in RELEASED.glob("*.json"))


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
    released = json.loads((RELEASED / f"{name}.json").read_text("utf-8"))
    assert breaking(released, of(classes[name], name), event=event) == []


def test_there_is_a_release_to_measure_by() -> None:
    """An empty folder would let everything pass."""
    assert len(NAMES) >= len(registry.events())
