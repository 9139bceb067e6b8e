"""Identifiers sort by time, or follow from what they name."""

import time
from uuid import RFC_4122, UUID

import pytest

from services.shared.kernel.ids import NO_ONE, derived_id, new_id


def test_a_new_id_is_a_uuid_of_version_7() -> None:
    """Version and variant stand where RFC 9562 says."""
    made = [new_id() for _ in range(2_000)]
    assert {each.version for each in made} == {7}
    assert {each.variant for each in made} == {RFC_4122}
    assert len(set(made)) == len(made)


def test_it_begins_with_the_milliseconds() -> None:
    """The first 48 bits are the time of its making."""
    before = time.time_ns() // 1_000_000
    stamp = new_id().int >> 80
    assert before <= stamp <= time.time_ns() // 1_000_000


def test_a_later_one_sorts_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """From one millisecond to the next, as a number and as a text."""
    made = []
    for milliseconds in (1_000, 1_001, 1_700_000_000_000, 1_700_000_000_001):
        monkeypatch.setattr(time, "time_ns", lambda ms=milliseconds: ms * 1_000_000)
        made.append(new_id())
    assert made == sorted(made)
    assert [str(each) for each in made] == sorted(str(each) for each in made)


def test_a_derived_id_never_changes() -> None:
    """It is written in databases: this very value must come out on every machine, for ever."""
    order_id = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
    assert derived_id("payment", order_id, 1) == UUID("a71afe0c-691f-5e45-bdb4-d3ec7b87921d")
    assert derived_id("payment", order_id, 1) == derived_id("payment", str(order_id), "1")


def test_derived_ids_of_different_things_differ() -> None:
    """Kind, subject and number all count."""
    order_id = new_id()
    made = {
        derived_id("payment", order_id, 1), derived_id("payment", order_id, 2), derived_id("refund", order_id, 1),
        derived_id("payment", new_id(), 1), NO_ONE,
    }  # fmt: skip
    assert len(made) == 5
