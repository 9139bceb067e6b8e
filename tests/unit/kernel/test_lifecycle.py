"""Transition tables: what is not in the table is refused."""

from typing import Literal

import pytest

from services.shared.kernel.errors import Conflict
from services.shared.kernel.lifecycle import Lifecycle, WrongState

State = Literal["draft", "sent", "accepted"]
LIFE: Lifecycle[State] = Lifecycle(
    "quotation", {"send": {"draft": "sent"}, "accept": {"sent": "accepted"}, "withdraw": {"sent": "draft"}}
)


@pytest.mark.parametrize(
    ("verb", "state", "after"),
    [("send", "draft", "sent"), ("accept", "sent", "accepted"), ("withdraw", "sent", "draft")],
)
def test_a_step_of_the_table(verb: str, state: State, after: State) -> None:
    """Leads where the table says."""
    assert LIFE.after(verb, state) == after
    assert LIFE.allows(verb, state)


@pytest.mark.parametrize(
    ("verb", "state"), [("send", "sent"), ("accept", "draft"), ("accept", "accepted"), ("burn", "draft")]
)
def test_any_other_step_is_refused(verb: str, state: State) -> None:
    """Again, too early, too late, or by a verb that there is not; the error says what stood in the way."""
    assert not LIFE.allows(verb, state)
    with pytest.raises(WrongState) as raised:
        LIFE.after(verb, state)
    assert raised.value.facts == {"noun": "quotation", "state": state, "verb": verb}
    assert raised.value.code == "wrong_state"
    assert isinstance(raised.value, Conflict)
