"""Credit lines: agreed by two, and what they give."""

from datetime import date

import pytest

from services.billing.domain.credit import (
    AlreadyOver,
    CreditLine,
    CreditProposal,
    CreditTerms,
    Exposure,
    NoSuchProposal,
    SameHands,
)
from services.shared.kernel.ids import new_id
from services.shared.kernel.lifecycle import WrongState
from tests.kit.fakes_billing import CUSTOMER_ID, NOW

TODAY = date(2026, 11, 23)
TERMS = CreditTerms(limit=100_000, net_days=30, before_work_bps=0, valid_until=date(2026, 12, 31))


def a_line(state: str = "active") -> CreditLine:
    line = CreditLine(new_id(), CUSTOMER_ID, "CNY", "proposed", NOW)
    if state != "proposed":
        line.propose(CreditProposal(new_id(), TERMS, "member/1", NOW), TODAY)
        assert line.proposal is not None
        line.approve(line.proposal.proposal_id, "member/2", NOW)
    if state == "suspended":
        line.suspend("late payer")
    return line


@pytest.mark.parametrize(
    ("state", "amount", "exposure", "today", "refusal"),
    [
        ("active", 100_000, Exposure(), TODAY, None),
        ("active", 100_001, Exposure(), TODAY, "limit_exceeded"),
        ("active", 40_000, Exposure(granted=30_000, receivable=30_000), TODAY, None),
        ("active", 40_001, Exposure(granted=30_000, receivable=30_000), TODAY, "limit_exceeded"),
        ("active", 1, Exposure(receivable=10, overdue=10), TODAY, None),
        ("active", 1, Exposure(receivable=10, overdue=10, blocking=10), TODAY, "overdue"),
        ("active", 1, Exposure(), date(2026, 12, 31), None),
        ("active", 1, Exposure(), date(2027, 1, 1), "expired"),
        ("suspended", 1, Exposure(), TODAY, "suspended"),
        ("proposed", 1, Exposure(), TODAY, "no_line"),
    ],
)
def test_what_a_line_gives(
    state: str, amount: int, exposure: Exposure, today: date, refusal: str | None
) -> None:  # fmt: skip
    """Up to its limit, to its last day, and to nobody who is late."""
    line = a_line(state)
    assert line.refusal(amount, exposure, today) == refusal
    assert (line.available(exposure, today) >= amount) == (refusal is None)


def test_it_takes_two() -> None:
    """Who proposed does not approve, and nothing is approved that was not looked at."""
    line = a_line("proposed")
    line.propose(CreditProposal(new_id(), TERMS, "member/1", NOW), TODAY)
    assert line.proposal is not None
    seen = line.proposal.proposal_id
    with pytest.raises(SameHands):
        line.approve(seen, "member/1", NOW)
    line.propose(CreditProposal(new_id(), TERMS, "member/2", NOW), TODAY)
    with pytest.raises(NoSuchProposal):
        line.approve(seen, "member/3", NOW)
    assert line.terms is None
    line.approve(line.proposal.proposal_id, "member/3", NOW)
    assert line.state == "active"
    assert line.terms == TERMS
    with pytest.raises(NoSuchProposal):
        line.approve(seen, "member/3", NOW)


def test_a_suspended_line_is_lifted_by_two_again() -> None:
    """There is no way back by one alone."""
    line = a_line("suspended")
    with pytest.raises(WrongState):
        line.suspend("again")
    line.propose(CreditProposal(new_id(), TERMS, "member/2", NOW), TODAY)
    assert line.refusal(1, Exposure(), TODAY) == "suspended"
    assert line.proposal is not None
    line.approve(line.proposal.proposal_id, "member/1", NOW)
    assert (line.state, line.suspended_for) == ("active", "")


def test_terms_that_are_over_are_not_proposed() -> None:
    """A slip of the year."""
    with pytest.raises(AlreadyOver):
        a_line().propose(CreditProposal(new_id(), TERMS, "member/1", NOW), date(2027, 1, 1))
