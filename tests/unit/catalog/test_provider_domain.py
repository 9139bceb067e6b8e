"""Letting a provider in, and stopping it."""

import pytest

from services.catalog.domain.provider import LIFECYCLE, NotReadyForApproval, ReasonRequired
from services.shared.kernel.lifecycle import WrongState
from tests.kit.fakes_catalog import a_provider

DECISIONS = ["take_up", "approve", "reject", "suspend", "resume", "terminate"]
STATES = ["applied", "under_review", "approved", "suspended", "terminated", "rejected"]


@pytest.mark.parametrize("state", STATES)
def test_decisions_follow_the_table(state: str) -> None:
    """A decision that the table does not have for a state is refused and changes nothing."""
    for decision in DECISIONS:
        provider = a_provider(state=state)
        if LIFECYCLE.allows(decision, provider.state):
            provider.decide(decision, "because", [])  # type: ignore[arg-type]
            assert provider.state != state
        else:
            with pytest.raises(WrongState):
                provider.decide(decision, "because", [])  # type: ignore[arg-type]
            assert provider.state == state


@pytest.mark.parametrize(("state", "decision"), [("under_review", "approve"), ("suspended", "resume")])
def test_nobody_sells_before_everything_is_there(state: str, decision: str) -> None:
    """Approval and return name what is missing."""
    provider = a_provider(state=state)
    with pytest.raises(NotReadyForApproval) as caught:
        provider.decide(decision, "", ["bank_account"])  # type: ignore[arg-type]
    assert caught.value.facts == {"missing": ["bank_account"]}
    assert provider.state == state


@pytest.mark.parametrize(
    ("state", "decision"), [("applied", "reject"), ("approved", "suspend"), ("approved", "terminate")]
)
def test_whoever_is_stopped_is_told_why(state: str, decision: str) -> None:
    """A decision against the provider needs a reason."""
    with pytest.raises(ReasonRequired):
        a_provider(state=state).decide(decision, "", [])  # type: ignore[arg-type]
