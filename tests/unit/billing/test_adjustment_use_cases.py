"""Adjustments by hand: two people, allowed accounts only, taken back once."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.billing.domain.adjustment import (
    AccountNotByHand,
    EffectiveLater,
    EntriesUnbalanced,
    MoreThanOwed,
    NotReversible,
    RoundingTooLarge,
    SameHandsApprove,
)
from services.billing.domain.ledger import ReversalNotReversed, ReversedAlready
from services.billing.use_cases.adjustment import (
    approve_adjustment,
    propose_adjustment,
    propose_reversal,
    refuse_adjustment,
)
from services.billing.use_cases.ledger import post_transaction
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound, Refused
from services.shared.kernel.ids import derived_id, new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.billing.adjustment import (
    AdjustmentView,
    ApproveAdjustment,
    ProposeAdjustment,
    ProposeReversal,
    RefuseAdjustment,
)
from services.shared.messages.billing.ledger import LedgerPosted
from tests.kit.fakes_billing import (
    DISPUTE_OPERATOR,
    FINANCE,
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    REQUESTER,
    FakeBillingUnitOfWork,
    cny,
    receipt_card,
)

RECEIVABLE = "A:ar:voucher_programme:x"
LOSS = (("E:bad_debt", "D", 500), (RECEIVABLE, "C", 500))


def owed_to_us(amount: int = 1_000) -> FakeBillingUnitOfWork:
    """An authority owes *amount*."""
    uow = FakeBillingUnitOfWork()
    uow.ledger.before = {RECEIVABLE: -amount}
    return uow


def propose(
    uow: FakeBillingUnitOfWork, kind: str = "write_off", entries: Sequence[tuple[str, str, int]] = LOSS,
    actor: Actor = FINANCE, **more: Any,
) -> AdjustmentView:  # fmt: skip
    command = ProposeAdjustment.model_validate(
        {"kind": kind, "reason": "破产", **more,
         "entries": tuple({"account": a, "side": s, "amount": n, "currency": "CNY"} for a, s, n in entries)}
    )  # fmt: skip
    return propose_adjustment(command, actor=actor, uow=uow, now=NOW)


def approve(uow: FakeBillingUnitOfWork, adjustment_id: UUID, actor: Actor = OTHER_FINANCE) -> AdjustmentView:
    return approve_adjustment(ApproveAdjustment(adjustment_id=adjustment_id), actor=actor, uow=uow, now=NOW)


def reverse(uow: FakeBillingUnitOfWork, transaction_id: UUID | None, actor: Actor = FINANCE) -> AdjustmentView:
    wanted = ProposeReversal(transaction_id=transaction_id or new_id(), reason="误记")
    return propose_reversal(wanted, actor=actor, uow=uow, now=NOW)


def test_one_proposes_another_approves_and_then_it_is_booked() -> None:
    """Nothing moves before; the proposer cannot approve; a second approval changes nothing."""
    uow = owed_to_us()
    proposed = propose(uow)
    assert uow.ledger.transactions == {}
    with pytest.raises(SameHandsApprove):
        approve(uow, proposed.adjustment_id, FINANCE)
    approved = approve(uow, proposed.adjustment_id)
    assert (approved.state, approved.number) == ("approved", "AJ-2026-000001")
    assert uow.ledger.balance(RECEIVABLE) == 500
    with pytest.raises(WrongState):
        approve(uow, proposed.adjustment_id)
    (told,) = uow.events(LedgerPosted)
    assert told.transaction.transaction_id == approved.transaction_id
    assert told.transaction.key == f"adjustment:{proposed.adjustment_id}"


def test_what_is_refused_is_never_booked() -> None:
    """The proposer may withdraw it."""
    uow = owed_to_us()
    proposed = propose(uow)
    refused = refuse_adjustment(RefuseAdjustment(adjustment_id=proposed.adjustment_id), actor=FINANCE, uow=uow, now=NOW)
    assert refused.state == "refused"
    with pytest.raises(WrongState):
        approve(uow, proposed.adjustment_id)
    assert uow.ledger.transactions == {}


@pytest.mark.parametrize(
    ("kind", "entries", "refusal"),
    [
        ("write_off", (("E:bad_debt", "D", 500), (RECEIVABLE, "C", 501)), EntriesUnbalanced),
        ("write_off", ((RECEIVABLE, "D", 500), ("E:bad_debt", "C", 500)), AccountNotByHand),
        ("write_off", (("E:bad_debt", "D", 500), ("A:bank:main", "C", 500)), AccountNotByHand),
        ("write_off", (("E:bad_debt", "D", 500), ("A:ar:customer:x", "C", 500)), AccountNotByHand),
        ("write_off", (("E:bad_debt", "D", 500), ("A:ar:provider:x", "C", 500)), AccountNotByHand),
        ("write_off", (("E:bad_debt", "D", 5), (f"L:contract:{ORDER_ID}", "C", 5)), AccountNotByHand),
        ("reclassification", (("E:psp_fee", "D", 5), ("A:psp:stripe", "C", 5)), AccountNotByHand),
        ("reclassification", (("E:psp_fee", "D", 5), ("L:provider:x:payable", "C", 5)), AccountNotByHand),
        ("reclassification", (("E:psp_fee", "D", 5), ("R:nonsense", "C", 5)), AccountNotByHand),
        ("reclassification", (("E:psp_fee", "D", 5), ("R:service:x", "C", 5)), AccountNotByHand),
        ("rounding", (("E:rounding", "D", 101), (RECEIVABLE, "C", 101)), RoundingTooLarge),
        ("rounding", ((RECEIVABLE, "D", 1), ("L:vat:output", "C", 1)), AccountNotByHand),
    ],
)
def test_only_some_accounts_are_moved_by_hand(
    kind: str, entries: tuple[tuple[str, str, int], ...], refusal: type[Refused]
) -> None:
    """Bank, payment institution, contracts and what we owe others are booked by their own facts only."""
    uow = owed_to_us()
    with pytest.raises(refusal):
        propose(uow, kind, entries)
    assert uow.adjustments.held == {}


@pytest.mark.parametrize(
    ("kind", "entries"),
    [
        ("rounding", (("E:rounding", "D", 1), (RECEIVABLE, "C", 1))),
        ("rounding", (("A:vat:input", "D", 1), ("E:rounding", "C", 1))),
        ("reclassification", (("E:voucher_loss", "D", 7), ("E:bad_debt", "C", 7))),
    ],
)
def test_what_the_accountant_needs_is_booked(kind: str, entries: tuple[tuple[str, str, int], ...]) -> None:
    """Odd fen, and a figure on another line."""
    uow = owed_to_us()
    approve(uow, propose(uow, kind, entries).adjustment_id)
    (booked,) = uow.ledger.transactions.values()
    assert (booked.kind, len(booked.entries)) == (kind, 2)


def test_it_counts_when_it_was_said_to_but_never_in_time_to_come() -> None:
    """Of an order it must be one that exists."""
    uow = owed_to_us()
    earlier = NOW - timedelta(days=3)
    approve(uow, propose(uow, effective_at=earlier).adjustment_id)
    (booked,) = uow.ledger.transactions.values()
    assert (booked.effective_at, booked.posted_at) == (earlier, NOW)
    with pytest.raises(EffectiveLater):
        propose(uow, effective_at=NOW + timedelta(seconds=1))
    with pytest.raises(NotFound):
        propose(uow, order_id=new_id())


def test_a_reversal_mirrors_and_names_what_it_takes_back_once() -> None:
    """Two proposals for one transaction: the second approval is refused; a reversal itself is not taken back."""
    uow = owed_to_us()
    booked = approve(uow, propose(uow).adjustment_id).transaction_id
    first, second = reverse(uow, booked), reverse(uow, booked)
    taken_back = approve(uow, first.adjustment_id).transaction_id
    assert uow.ledger.balance(RECEIVABLE) == 0
    reversal = uow.ledger.transactions[f"reverse:{booked}"]
    assert (reversal.transaction_id, reversal.reverses) == (taken_back, booked)
    assert {(e.account, e.side) for e in reversal.entries} == {("E:bad_debt", "C"), (RECEIVABLE, "D")}
    with pytest.raises(ReversedAlready):
        approve(uow, second.adjustment_id)
    with pytest.raises(ReversalNotReversed):
        reverse(uow, taken_back)
    assert [told.transaction.reverses for told in uow.events(LedgerPosted)] == [None, booked]


def test_what_has_an_undo_of_its_own_is_not_reversed_by_hand() -> None:
    """Whatever its kind is called, what people did not book; and nothing is found that is not there."""
    uow = owed_to_us()
    post_transaction(
        uow, key="r", kind="write_off", entries=receipt_card(ORDER_ID, cny(100)), effective_at=NOW, now=NOW
    )
    with pytest.raises(NotReversible):
        reverse(uow, derived_id("ledger_tx", "r"))
    with pytest.raises(NotFound):
        reverse(uow, None)


@pytest.mark.parametrize(("actor", "refusal"), [(REQUESTER, NotFound), (DISPUTE_OPERATOR, NotAllowed)])
def test_finance_only(actor: Actor, refusal: type[Refused]) -> None:
    """Neither customers nor other operators propose, approve, refuse or reverse."""
    uow = owed_to_us()
    proposed = propose(uow)
    booked = approve(uow, propose(uow).adjustment_id).transaction_id
    with pytest.raises(refusal):
        propose(uow, actor=actor)
    with pytest.raises(refusal):
        approve(uow, proposed.adjustment_id, actor)
    with pytest.raises(refusal):
        reverse(uow, booked, actor)
    with pytest.raises(refusal):
        refuse_adjustment(RefuseAdjustment(adjustment_id=proposed.adjustment_id), actor=actor, uow=uow, now=NOW)


def test_no_more_is_written_off_than_is_owed() -> None:
    """When it is proposed, and again when it is approved: the debt may have been paid, or written off, meanwhile."""
    uow = owed_to_us(500)
    with pytest.raises(MoreThanOwed):
        propose(uow, entries=(("E:bad_debt", "D", 501), (RECEIVABLE, "C", 501)))
    with pytest.raises(MoreThanOwed):
        propose(uow, entries=(("E:bad_debt", "D", 500), ("A:ar:voucher_programme:y", "C", 500)))
    first, second = propose(uow), propose(uow)
    approve(uow, first.adjustment_id)
    with pytest.raises(MoreThanOwed):
        approve(uow, second.adjustment_id)
    assert uow.ledger.standing(RECEIVABLE, "CNY") == 0
