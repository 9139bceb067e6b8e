"""Transition tables: which verb leads from which state to which. One stands at the top of each aggregate."""

from collections.abc import Mapping
from typing import Generic, TypeVar

from services.shared.kernel.errors import Conflict

State = TypeVar("State", bound=str)


class WrongState(Conflict):
    """This is not possible in the present state."""

    code = "wrong_state"


class Lifecycle(Generic[State]):
    """
    A state machine as data.

    Args:
        noun: The aggregate's name on the wire, part of the error's facts.
        transitions: verb → {from: to}. What is not in the table is refused; nothing passes in silence.
    """

    def __init__(self, noun: str, transitions: Mapping[str, Mapping[State, State]]) -> None:
        self.noun = noun
        self.transitions = transitions

    def after(self, verb: str, state: State) -> State:
        """
        The state that *verb* leads to from *state*.

        Raises:
            WrongState: The table has no such step.
        """
        try:
            return self.transitions[verb][state]
        except KeyError:
            raise WrongState(f"cannot {verb} a {self.noun} that is {state}",
                             noun=self.noun, state=str(state), verb=verb) from None  # fmt: skip

    def allows(self, verb: str, state: State) -> bool:
        return state in self.transitions.get(verb, {})
