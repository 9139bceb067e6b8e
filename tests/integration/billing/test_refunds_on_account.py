"""Refunds of what was not paid yet, on real PostgreSQL: less is owed, and only what was paid goes back."""

from functools import partial

import pytest

from services.billing.domain.refund import RefundExceedsPaid
from services.billing.use_cases import order, receivable
from services.shared.messages.billing.receivable import ApproveWriteOff, PayReceivable, ProposeWriteOff
from services.shared.messages.billing.refund import RefundView, WaiveRedLetter
from tests.integration.billing.conftest import Billing
from tests.integration.billing.on_credit import (
    DEPOSIT,
    INVOICED_ON,
    ON_CREDIT,
    RECEIVABLE_ID,
    REMINDING,
    a_line,
    invoiced,
    line_now,
    owed,
    pay,
    state,
)
from tests.integration.billing.refunding import approve, ask, entries, red_letter, waive_red_letter
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    FINANCE,
    INSTRUCTIONS,
    ORDER_ID,
    OTHER_FINANCE,
    REQUESTER,
    amounts,
    cny,
    order_accepted,
)

DEBT = f"A:ar:customer:{CUSTOMER_ID}"
CARD = partial(receivable.pay_receivable, instructions=INSTRUCTIONS)
CREDIT = f"L:customer_credit:{CUSTOMER_ID}"


def whole(billing: Billing, net: int) -> RefundView:
    """Asked for, approved, and confirmed by its red letter where it needs one."""
    made = approve(billing, ask(billing, net))
    if made.state == "awaiting_red_letter":
        red_letter(billing, made)
    return made


def amount(billing: Billing) -> int:
    ((found,),) = billing.rows("SELECT amount FROM receivable")
    return int(found)


def test_before_acceptance_less_goes_on_credit(billing: Billing) -> None:
    """TV01 on credit alone: nothing was paid, nothing goes back, and the line is free for others."""
    a_line(billing)
    billing.contracted(**ON_CREDIT)
    made = whole(billing, 40_000)
    assert (made.state, made.on_account, made.paid_back, made.parts) == ("succeeded", cny(42_400), cny(0), ())
    assert line_now(billing).granted == cny(106_000 - 42_400)
    assert entries(billing, f"{made.refund_id}:1") == []
    billing.handle(order.accepted, order_accepted(**ON_CREDIT))
    assert amount(billing) == 63_600
    assert billing.violations() == ()
    billing.handle(receivable.invoiced, invoiced(), INVOICED_ON, **REMINDING)
    pay(billing, "636.00")
    assert state(billing) == ("paid", 63_600, 0)
    assert billing.violations() == ()


def test_before_acceptance_what_was_paid_goes_back_last(billing: Billing) -> None:
    """A deposit of 318.00, 742.00 on credit; 848.00 is refunded: 742.00 is not owed, 106.00 goes back."""
    a_line(billing, before_work_bps=3_000)
    billing.contracted(**DEPOSIT)
    pay(billing, "318.00")
    made = whole(billing, 80_000)
    assert (made.state, made.on_account, made.paid_back) == ("pending", cny(74_200), cny(10_600))
    billing.handle(order.accepted, order_accepted(**DEPOSIT))
    assert billing.rows("SELECT count(*) FROM receivable") == [(0,)]
    assert billing.balance(f"L:contract:{ORDER_ID}") == 0
    assert billing.violations() == ()


def test_before_it_is_paid_no_more_than_is_on_credit(billing: Billing) -> None:
    """A deposit that has not come cannot go back."""
    a_line(billing, before_work_bps=3_000)
    billing.contracted(**DEPOSIT)
    with pytest.raises(RefundExceedsPaid):
        ask(billing, 80_000)
    assert ask(billing, 70_000).state == "requested"


def test_after_acceptance_less_is_owed_and_asked_for(billing: Billing) -> None:
    """It comes down with the red letter: the transfer asked for is less, a card payment of the old amount ends."""
    a_line(billing)
    owed(billing)
    card = billing.run(CARD, PayReceivable(receivable_id=RECEIVABLE_ID), REQUESTER)
    made = approve(billing, ask(billing, 40_000))
    assert (made.on_account, amount(billing)) == (cny(42_400), 106_000)
    red_letter(billing, made)
    assert entries(billing, f"{made.refund_id}:1") == [
        ("D", "L:vat:output", 2_400), ("D", "R:service", 40_000), ("C", DEBT, 42_400),
    ]  # fmt: skip
    assert (amount(billing), state(billing)) == (63_600, ("open", 0, 0))
    assert billing.rows("SELECT method, amount, state FROM payment ORDER BY part") == [
        ("bank_transfer", 63_600, "pending"), ("card", card.amount.amount, "cancelled"),
    ]  # fmt: skip
    assert billing.violations() == ()
    pay(billing, "636.00")
    assert state(billing)[0] == "paid"
    assert billing.balance(DEBT) == 0
    assert billing.violations() == ()


def test_all_of_it_refunded_nothing_is_owed(billing: Billing) -> None:
    a_line(billing)
    owed(billing)
    made = whole(billing, 100_000)
    assert (state(billing), amount(billing)) == (("paid", 0, 0), 0)
    assert billing.rows("SELECT state FROM payment") == [("cancelled",)]
    assert billing.rows("SELECT state FROM refund WHERE refund_id = %s", (made.refund_id,)) == [("succeeded",)]
    assert line_now(billing).available == line_now(billing).terms.limit  # type: ignore[union-attr]
    assert billing.violations() == ()


def test_accepted_and_refunded_before_its_invoice(billing: Billing) -> None:
    """Nothing is called for afterwards."""
    a_line(billing)
    billing.contracted(**ON_CREDIT)
    billing.handle(order.accepted, order_accepted(**ON_CREDIT))
    whole(billing, 100_000)
    billing.handle(receivable.invoiced, invoiced(), INVOICED_ON, **REMINDING)
    assert state(billing) == ("paid", 0, 0)
    assert billing.rows("SELECT count(*) FROM payment") == [(0,)]
    assert billing.violations() == ()


def test_partly_paid_and_partly_owed(billing: Billing) -> None:
    """500.00 came, 560.00 is open; 742.00 goes: the open part first, 182.00 in money."""
    a_line(billing)
    owed(billing)
    pay(billing, "500.00")
    made = whole(billing, 70_000)
    assert (made.on_account, made.paid_back) == (cny(56_000), cny(18_200))
    assert state(billing) == ("paid", 50_000, 0)
    assert billing.rows("SELECT amount, received, refunded, state FROM payment") == [
        (50_000, 50_000, 18_200, "succeeded"),
    ]  # fmt: skip
    assert billing.violations() == ()


def test_paid_while_the_red_letter_was_awaited(billing: Billing) -> None:
    """What the customer paid for nothing stays theirs."""
    a_line(billing)
    owed(billing)
    made = approve(billing, ask(billing, 40_000))
    pay(billing, "1060.00")
    assert state(billing)[0] == "paid"
    red_letter(billing, made)
    assert billing.balance(CREDIT) == 42_400
    assert (billing.balance(DEBT), amount(billing)) == (0, 106_000)
    assert billing.violations() == ()


def test_two_that_wait_do_not_take_the_same_money(billing: Billing) -> None:
    """A deposit of 318.00 and 742.00 owed; 742.00 and 318.00 are refunded before either red letter is there."""
    a_line(billing, before_work_bps=3_000)
    billing.contracted(**DEPOSIT)
    pay(billing, "318.00")
    billing.handle(order.accepted, order_accepted(**DEPOSIT))
    billing.handle(receivable.invoiced, invoiced(), INVOICED_ON, **REMINDING)
    first, second = approve(billing, ask(billing, 70_000)), approve(billing, ask(billing, 30_000))
    assert (first.on_account, first.paid_back) == (cny(74_200), cny(0))
    assert (second.on_account, second.paid_back) == (cny(0), cny(31_800))
    for made in (second, first):
        red_letter(billing, made)
    assert (state(billing), amount(billing), billing.balance(DEBT)) == (("paid", 0, 0), 0, 0)
    assert billing.violations() == ()


def test_given_up_and_then_refunded(billing: Billing) -> None:
    """The loss is smaller by what nobody owes any more; both who waive the red letter book it as well."""
    a_line(billing)
    owed(billing)
    billing.run(receivable.propose_write_off, ProposeWriteOff(receivable_id=RECEIVABLE_ID, reason="bankrupt"))
    billing.run(receivable.approve_write_off, ApproveWriteOff(receivable_id=RECEIVABLE_ID, amount=cny(106_000)),
                OTHER_FINANCE)  # fmt: skip
    made = approve(billing, ask(billing, 40_000))
    for actor in (FINANCE, OTHER_FINANCE):
        billing.run(waive_red_letter, WaiveRedLetter(refund_id=made.refund_id), actor)
    assert billing.balance("E:bad_debt") == -63_600
    assert state(billing) == ("written_off", 0, 63_600)
    assert billing.violations() == ()


def test_amounts_that_do_not_divide(billing: Billing) -> None:
    """TV10 on credit: thirds, each lowering what is owed by its gross; at the end nothing is left."""
    a_line(billing)
    owed(billing)
    lowered = [whole(billing, net).on_account.amount for net in (33_333, 33_333, 33_334)]
    assert lowered == [35_333, 35_333, 35_334]
    assert sum(lowered) == amounts()["gross"].amount
    assert (amount(billing), billing.violations()) == (0, ())
