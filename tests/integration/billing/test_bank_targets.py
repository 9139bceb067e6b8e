"""What a line in suspense may be besides a payment: payouts, refunds, taxes, Stripe's payouts; on real PostgreSQL."""

from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from services.billing.domain import ledger
from services.billing.domain.bank_line import NotUndoable, SameHandsResolve
from services.billing.domain.bank_line_part import PaidOtherwise, PartsDiffer, TaxExceedsPayable
from services.billing.domain.ledger import BANK, PSP_TRANSIT, SUSPENSE, VAT_PAYABLE, owed, receivable
from services.billing.domain.payout import DebitWaits
from services.billing.domain.period import PeriodHasOpenItems
from services.billing.domain.settlement import NotPayable
from services.billing.use_cases import payout, period, refund, settlement
from services.billing.use_cases.bank_line import confirm_bank_line, resolve_bank_line, undo_bank_line
from services.billing.use_cases.ledger import post_transaction
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.billing.bank_line import (
    BankLinePart,
    BankLineView,
    ConfirmBankLine,
    ResolveBankLine,
    UndoBankLine,
)
from services.shared.messages.billing.payout import CancelPayout, FailPayout, PayoutView
from services.shared.messages.billing.period import ClosePeriod
from services.shared.messages.billing.refund import FailRefund
from services.shared.messages.billing.settlement import CloseSettlements
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import bank_says, major
from tests.integration.billing.test_payouts import _match, payable, state_of
from tests.integration.billing.test_refund_ways import _ordered, _rerouted
from tests.kit.fakes_billing import DISPUTE_OPERATOR, FINANCE, LATER, NOW, OTHER_FINANCE, PROVIDER_ID, cny
from tests.kit.real_service import together

PAYABLE = owed("provider", PROVIDER_ID, "payable")
DEBT = receivable("provider", PROVIDER_ID)


def suspended(billing: Billing, serial: str, direction: str, amount: str, text: str = "?") -> UUID:
    (line,) = bank_says(billing, (serial, direction, amount, text)).lines
    assert line.state == "suspense"
    return line.bank_line_id


def says(
    billing: Billing, line: UUID, *parts: tuple[str, UUID | None, int], actor: Actor = FINANCE, reason: str = ""
) -> BankLineView:
    made = tuple(
        BankLinePart.model_validate({"kind": kind, "target_id": target, "amount": cny(amount)})
        for kind, target, amount in parts
    )
    wanted = ResolveBankLine(bank_line_id=line, parts=made, reason=reason)
    use_case = partial(resolve_bank_line, alone_max=10**9)
    return billing.run(use_case, wanted, actor, LATER)


def confirm(billing: Billing, line: UUID, actor: Actor = OTHER_FINANCE) -> BankLineView:
    return billing.run(confirm_bank_line, ConfirmBankLine(bank_line_id=line), actor, LATER)


def agreed(billing: Billing, line: UUID, *parts: tuple[str, UUID | None, int]) -> BankLineView:
    """Said by one, whatever the amount, and confirmed by another."""
    assert says(billing, line, *parts).state == "suspense"
    with pytest.raises(SameHandsResolve):
        confirm(billing, line, FINANCE)
    return confirm(billing, line)


def undo(billing: Billing, line: UUID) -> BankLineView:
    return billing.run(undo_bank_line, UndoBankLine(bank_line_id=line, reason="wrong"), FINANCE, LATER)


def told(billing: Billing) -> list[PayoutView]:
    """TV01's two payouts, of which the bank is told by one order."""
    started = [billing.start_payout(each.settlement_id) for each in payable(billing)]
    for each in started:
        billing.release_payout(each.payout_id)
    billing.make_bank_order(*(each.payout_id for each in started))
    return started


def failed(billing: Billing, started: PayoutView) -> None:
    wanted = FailPayout(payout_id=started.payout_id, reason="no answer")
    billing.run(payout.fail_payout, wanted, FINANCE, LATER)


def holds(billing: Billing) -> None:
    assert billing.violations() == ()
    assert billing.balance(SUSPENSE) == 0


def test_several_payouts_by_hand(billing: Billing) -> None:
    """One debit with the bank's fee in it; proposed, confirmed by one of five at once, and not taken back."""
    both = told(billing)
    line = suspended(billing, "b1", "out", "1030.00", "BATCH 4711")
    parts = [("payout", each.payout_id, each.amount.amount) for each in both]
    with pytest.raises(PartsDiffer):
        says(billing, line, parts[0], ("payout", both[1].payout_id, 7_419), ("fee", None, 181))
    with pytest.raises(NotFound):
        says(billing, line, parts[0], ("payout", new_id(), 7_420), ("fee", None, 180))
    with pytest.raises(NotAllowed):
        says(billing, line, *parts, ("fee", None, 180), actor=DISPUTE_OPERATOR)
    says(billing, line, *parts, ("fee", None, 180))
    answers = together([partial(confirm, billing, line)] * 5)
    assert len([each for each in answers if isinstance(each, WrongState)]) == 4
    assert [state_of(billing, each) for each in both] == ["paid", "paid"]
    assert (billing.balance(BANK), billing.balance("E:bank_fee")) == (103_000, -180)
    assert billing.told.count("payout.paid.v1") == 2
    with pytest.raises(NotUndoable):
        undo(billing, line)
    again = suspended(billing, "b2", "out", "954.00")
    with pytest.raises(WrongState):
        says(billing, again, parts[0])
    assert billing.violations() == ()


def test_a_payout_that_came_back(billing: Billing) -> None:
    """Without our number; payable again once; taken back it is paid again, and the right line returns it."""
    first, _ = both = told(billing)
    bank_says(billing, *[(each.number, "out", major(each.amount), each.number) for each in both])
    line = suspended(billing, "r1", "in", "954.00", "退汇")
    agreed(billing, line, ("payout_return", first.payout_id, 95_400))
    assert (state_of(billing, first), billing.balance(PAYABLE)) == ("returned", 95_400)
    holds(billing)
    undo(billing, line)
    assert (state_of(billing, first), billing.balance(PAYABLE)) == ("paid", 0)
    assert billing.violations() == ()
    bank_says(billing, ("r2", "in", "954.00", first.number))
    assert (state_of(billing, first), billing.balance(PAYABLE)) == ("returned", 95_400)
    assert billing.told.count("payout.returned.v1") == 2
    with pytest.raises(WrongState):
        says(billing, line, ("payout_return", first.payout_id, 95_400))
    assert billing.violations() == ()


def test_a_return_is_not_taken_back_once_paid_anew(billing: Billing) -> None:
    """Its settlement is another payout's by then."""
    first, _ = both = told(billing)
    bank_says(billing, *[(each.number, "out", major(each.amount), each.number) for each in both])
    line = suspended(billing, "r1", "in", "954.00", "退汇")
    agreed(billing, line, ("payout_return", first.payout_id, 95_400))
    billing.start_payout(first.settlement_id)
    with pytest.raises(PaidOtherwise):
        undo(billing, line)
    assert state_of(billing, first) == "returned"
    holds(billing)


def test_paid_after_the_bank_had_refused(billing: Billing) -> None:
    """The line is the failed payout's: paid after all, and nobody pays it a second time."""
    first, _ = told(billing)
    failed(billing, first)
    line = suspended(billing, "b1", "out", "954.00", first.number)
    agreed(billing, line, ("payout", first.payout_id, 95_400))
    assert (state_of(billing, first), billing.balance(PAYABLE)) == ("paid", 0)
    with pytest.raises(NotPayable):
        billing.start_payout(first.settlement_id)
    holds(billing)


def test_paid_twice_is_owed(billing: Billing) -> None:
    """Paid anew meanwhile: it cannot be the settlement's; the party owes it, and its next statement is netted."""
    first, _ = told(billing)
    failed(billing, first)
    anew = billing.start_payout(first.settlement_id)
    line = suspended(billing, "b1", "out", "954.00", first.number)
    says(billing, line, ("payout", first.payout_id, 95_400))
    with pytest.raises(PaidOtherwise):
        confirm(billing, line)
    agreed(billing, line, ("party_debt", first.payout_id, 95_400))
    assert billing.balance(DEBT) == -95_400
    holds(billing)
    undo(billing, line)
    assert billing.balance(DEBT) == 0
    assert billing.violations() == ()
    agreed(billing, line, ("party_debt", first.payout_id, 95_400))
    billing.release_payout(anew.payout_id)
    billing.make_bank_order(anew.payout_id)
    bank_says(billing, ("b2", "out", "954.00", anew.number))
    billing.accepted(new_id(), "OR-2026-000124")
    billing.now = LATER
    (stated, _) = sorted(
        billing.run(settlement.close_settlements, CloseSettlements(until=date(2026, 11, 23))).items,
        key=lambda each: each.party_kind,
    )
    billing.within(partial(_match, stated))
    assert billing.balance(DEBT) == 0
    with pytest.raises(NotUndoable):
        undo(billing, line)
    holds(billing)


def test_nobody_is_paid_again_while_the_bank_says_it_paid(billing: Billing) -> None:
    """A debit that names the failed payout waits in suspense: neither started nor released until it is said to be."""
    first, _ = told(billing)
    failed(billing, first)
    anew = billing.start_payout(first.settlement_id)
    line = suspended(billing, "b1", "out", "954.00", f"付款 {first.number}")
    suspended(billing, "b2", "out", "954.01", first.number)
    with pytest.raises(DebitWaits):
        billing.release_payout(anew.payout_id)
    billing.run(payout.cancel_payout, CancelPayout(payout_id=anew.payout_id))
    with pytest.raises(DebitWaits):
        billing.start_payout(first.settlement_id)
    agreed(billing, line, ("payout", first.payout_id, 95_400))
    assert (state_of(billing, first), billing.balance(PAYABLE)) == ("paid", 0)
    assert billing.violations() == ()


def test_the_bank_makes_a_payout_twice(billing: Billing) -> None:
    """What it paid once more is the party's debt, and neither a fee nor another payout's."""
    first, _ = both = told(billing)
    bank_says(billing, *[(each.number, "out", major(each.amount), each.number) for each in both])
    line = suspended(billing, "b9", "out", "954.00", first.number)
    agreed(billing, line, ("party_debt", first.payout_id, 95_400))
    assert (state_of(billing, first), billing.balance(DEBT)) == ("paid", -95_400)
    undo(billing, line)
    assert billing.balance(DEBT) == 0
    assert billing.violations() == ()


def test_refunds_by_hand(billing: Billing) -> None:
    """Made without our number; made after it was said to have failed; come back, and not come back after all."""
    first = _ordered(billing)
    line = suspended(billing, "b2", "out", "106.00", "退款")
    agreed(billing, line, ("refund", first.refund_id, 10_600))
    assert billing.balance(f"L:refund:{first.refund_id}") == 0
    with pytest.raises(NotUndoable):
        undo(billing, line)
    back = suspended(billing, "r1", "in", "106.00", "退汇")
    agreed(billing, back, ("refund_return", first.refund_id, 10_600))
    assert billing.balance(f"L:refund:{first.refund_id}") == 10_600
    holds(billing)
    undo(billing, back)
    assert billing.rows("SELECT state FROM refund") == [("succeeded",)]
    agreed(billing, back, ("refund_return", first.refund_id, 10_600))
    _rerouted(billing, first, "bank_transfer")
    with pytest.raises(NotUndoable):
        undo(billing, back)
    billing.run(refund.fail_refund, FailRefund(refund_id=first.refund_id, reason="?"))
    late = suspended(billing, "b3", "out", "106.00", first.number)
    agreed(billing, late, ("refund", first.refund_id, 10_600))
    assert billing.rows("SELECT state FROM refund") == [("succeeded",)]
    holds(billing)


def test_a_refund_is_made_by_one_line(billing: Billing) -> None:
    """Two say it of two lines at once, while the bank's file names it: one of the three is right."""
    made = _ordered(billing)
    lines = [suspended(billing, f"b{n}", "out", "106.00", "?") for n in range(2, 4)]
    for line in lines:
        says(billing, line, ("refund", made.refund_id, 10_600))
    deeds: list[Any] = [partial(confirm, billing, line) for line in lines]
    together([*deeds, partial(bank_says, billing, ("b9", "out", "106.00", made.number))])
    assert billing.balance(f"L:refund:{made.refund_id}") == 0
    assert billing.balance(SUSPENSE) == -2 * 10_600
    assert billing.told.count("refund.succeeded.v1") == 1
    assert billing.violations() == ()


def test_tax_is_paid_once(billing: Billing) -> None:
    """No more than the books say is payable, however many confirm it at once; taken back by its reversal."""
    with billing.transaction() as uow:
        owes = ledger.entries(("D", ledger.OUTPUT_VAT, cny(600)), ("C", VAT_PAYABLE, cny(600)))
        post_transaction(uow, key="test:vat", kind="vat_month_end", entries=owes, effective_at=NOW, now=NOW)
    lines = [suspended(billing, f"t{n}", "out", "6.00", "税") for n in range(3)]
    for line in lines:
        says(billing, line, ("tax", None, 600))
    answers = together([partial(confirm, billing, line) for line in lines])
    assert len([each for each in answers if isinstance(each, TaxExceedsPayable)]) == 2
    assert billing.balance(VAT_PAYABLE) == 0
    ((paid,),) = billing.rows("SELECT bank_line_id::text FROM bank_line WHERE state = 'matched'")
    undo(billing, UUID(paid))
    assert (billing.balance(VAT_PAYABLE), billing.balance(SUSPENSE)) == (600, -1_800)
    too_much = suspended(billing, "t9", "out", "6.01", "税")
    with pytest.raises(TaxExceedsPayable):
        says(billing, too_much, ("tax", None, 601))
    assert billing.violations() == ()


def test_a_payout_of_the_institution(billing: Billing) -> None:
    """What arrives stands in transit until the institution tells of it; undone it waits again."""
    line = suspended(billing, "p1", "in", "500.00", "STRIPE")
    assert says(billing, line, ("psp", None, 50_000)).state == "matched"
    assert billing.balance(PSP_TRANSIT) == 50_000
    holds(billing)
    undo(billing, line)
    assert (billing.balance(PSP_TRANSIT), billing.balance(SUSPENSE)) == (0, 50_000)
    with pytest.raises(PartsDiffer):
        says(billing, line, ("tax", None, 50_000))


def test_the_month_closes_once_it_is_said(billing: Billing) -> None:
    """A line of a failed payout held the month up for good."""
    first, second = told(billing)
    failed(billing, first)
    line = suspended(billing, "b1", "out", "954.00", first.number)
    bank_says(billing, ("b2", "out", "74.20", second.number))
    after = NOW + timedelta(days=40)
    close = partial(billing.run, period.close_period, ClosePeriod(period="2026-11"), FINANCE, after)
    with pytest.raises(PeriodHasOpenItems):
        close()
    agreed(billing, line, ("payout", first.payout_id, 95_400))
    close()
