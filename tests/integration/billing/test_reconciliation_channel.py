"""The splitting channel's bills beside ours: what is lost, changed, late or too much on either side is found."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from pydantic import ValidationError

from services.billing.domain.adjustment import ItemNotByHand
from services.billing.domain.ledger import CHANNEL, PSP_FEE, entries
from services.billing.use_cases import order
from services.billing.use_cases.ledger import post_transaction, reverse_transaction
from services.shared.kernel.times import business_date
from services.shared.messages.billing.reconciliation import ReconciliationView
from tests.integration.billing.agent_orders import (
    COMMISSION,
    PAID,
    PAYMENT,
    contracted,
    give_back,
    look,
    paid,
    split,
)
from tests.integration.billing.conftest import Billing
from tests.integration.billing.test_bank_targets import says, suspended
from tests.integration.billing.test_reconciliation_adjustments import approve, propose
from tests.integration.billing.test_reconciliation_stripe import items, reconcile, start, states, the_run
from tests.kit.channel_control import ChannelControl
from tests.kit.fakes_billing import NOW, ORDER_ID, cny, order_cancelled
from tests.kit.real_service import together

# What the channel's clock says when a test begins: what we book at NOW it does some days later.
THEIRS = NOW + timedelta(days=6)
TODAY, TOMORROW = business_date(THEIRS), THEIRS + timedelta(days=1)
THE_FEE = ((PSP_FEE, "D", 600), (CHANNEL, "C", 600))


@pytest.fixture
def channel(channel: ChannelControl) -> ChannelControl:
    """Whatever the machine's clock says."""
    channel.advance_days((THEIRS - datetime.now(UTC)) / timedelta(days=1))
    return channel


def withdrawn(billing: Billing, serial_number: str, amount: str, minor_units: int) -> None:
    """The bank has it, and finance says what it is."""
    says(billing, suspended(billing, serial_number, "in", amount), ("channel", None, minor_units))


def compared(billing: Billing, channel: ChannelControl, days: int = 1) -> ReconciliationView:
    """A run when one more day is over, the *days*th since today."""
    channel.advance_days(1)
    return reconcile(billing, TOMORROW + timedelta(days=days - 1), source="channel")


def test_all_that_is_known_on_both_sides_is_in_order(billing: Billing, channel: ChannelControl) -> None:
    """Paid, split, a refund with its return, commission withdrawn: both accounts agree, and the balances."""
    paid(billing, channel)
    give_back(billing, 10_000)
    split(billing)
    give_back(billing, 20_000)
    channel.withdraw(5_000)
    withdrawn(billing, "s1", "50.00", 5_000)
    run = compared(billing, channel)
    assert states(billing, run) == []
    # paid, refunded of what was held, split (both), returned, withdrawn
    assert (run.state, run.matched, run.overdue) == ("done", 6, 0)
    ((balance),) = run.balances
    left = channel.merchant_balance()
    # The bank's line is of a later day.
    assert (balance.theirs, balance.ours, balance.on, -billing.balance(CHANNEL)) == (left, left + 5_000, TODAY, left)
    assert billing.violations() == ()


def test_nothing_is_asked_where_no_order_went_there(billing: Billing, channel: ChannelControl) -> None:
    run = compared(billing, channel)
    assert (run.state, run.matched, states(billing, run)) == ("done", 0, [])


def test_of_a_day_before_everything_nothing_is_asked(billing: Billing, channel: ChannelControl) -> None:
    paid(billing, channel)
    with pytest.raises(ValidationError):
        reconcile(billing, TOMORROW, source="channel", day=date.min)
    run = reconcile(billing, TOMORROW, source="channel", day=date(2000, 1, 1))
    assert (run.state, run.matched, states(billing, run)) == ("done", 0, [])


def test_a_payment_that_nobody_told_of_is_found(billing: Billing, channel: ChannelControl) -> None:
    contracted(billing)
    channel.pay(PAYMENT)
    lost = compared(billing, channel)
    assert states(billing, lost) == [("held", "theirs_only", None, PAID)]
    assert items(billing, lost)[0].reference == f"order/{PAYMENT}"
    look(billing, "channel_order", PAYMENT)
    assert states(billing, compared(billing, channel, 2)) == []
    assert len(items(billing, lost)) == 1, "what a run found stays with it"


def test_who_paid_too_late_and_has_it_back_is_in_order(billing: Billing, channel: ChannelControl) -> None:
    contracted(billing)
    channel.pay(PAYMENT)
    billing.handle(order.cancelled, order_cancelled())
    billing.do_outside()
    run = compared(billing, channel)
    assert (states(billing, run), run.matched) == ([], 2)


def test_what_the_channel_let_go_by_its_time_is_in_order(billing: Billing, channel: ChannelControl) -> None:
    """Found while we had not heard of it."""
    paid(billing, channel)
    channel.advance_days(180)
    over = TOMORROW + timedelta(days=180)
    billing.database.change(f"UPDATE channel_order SET opened_at = '{(over - timedelta(days=3)).isoformat()}'")
    channel.state()
    assert states(billing, compared(billing, channel, 181)) == [("held", "theirs_only", None, -PAID)]
    look(billing, "channel_order", PAYMENT, over)
    assert states(billing, compared(billing, channel, 182)) == []


def test_commission_withdrawn_is_found_until_somebody_says_what_the_banks_line_is(
    billing: Billing, channel: ChannelControl
) -> None:
    """Two of one amount: one is still in suspense."""
    paid(billing, channel)
    split(billing)
    channel.withdraw(3_000)
    channel.withdraw(3_000)
    withdrawn(billing, "s1", "30.00", 3_000)
    unclear = suspended(billing, "s2", "in", "30.00")
    assert states(billing, compared(billing, channel)) == [("movement", "theirs_only", None, -3_000)]
    says(billing, unclear, ("channel", None, 3_000))
    assert states(billing, compared(billing, channel, 2)) == []


def test_an_entry_too_many_in_ours(billing: Billing, channel: ChannelControl) -> None:
    """The channel knows nothing of it; its reversal puts both sides in order."""
    paid(billing, channel)
    split(billing)
    wrong = entries(("D", CHANNEL, cny(500)), ("C", PSP_FEE, cny(500)))
    billing.within(lambda uow: post_transaction(uow, key="wrong", kind="fee", entries=wrong, effective_at=NOW, now=NOW))
    assert states(billing, compared(billing, channel)) == [("movement", "ours_only", 500, None)]
    ((made,),) = billing.rows("SELECT transaction_id FROM ledger_tx WHERE idem_key = 'wrong'")
    billing.within(lambda uow: reverse_transaction(uow, UUID(str(made)), effective_at=NOW, now=NOW))
    assert states(billing, compared(billing, channel, 2)) == []


def test_a_line_that_a_bill_lacks_is_ours_only_and_the_bill_does_not_add_up(
    billing: Billing, channel: ChannelControl
) -> None:
    paid(billing, channel)
    split(billing)
    channel.bills(lost=[("split", str(ORDER_ID))])
    run = compared(billing, channel)
    assert sorted(states(billing, run), key=str) == [
        ("balance", "amount_differs", 0, COMMISSION),
        ("held", "ours_only", -PAID, None),
        ("movement", "ours_only", COMMISSION, None),
    ]
    channel.bills()
    assert states(billing, compared(billing, channel, 2)) == []
    assert billing.rows("SELECT count(*) FROM reconciliation_item WHERE resolved_at IS NULL") == [(0,)]


def test_another_amount_in_a_bill(billing: Billing, channel: ChannelControl) -> None:
    paid(billing, channel)
    split(billing)
    channel.bills(wrong=[("split", str(ORDER_ID), COMMISSION + 1)])
    found = states(billing, compared(billing, channel))
    assert ("movement", "amount_differs", COMMISSION, COMMISSION + 1) in found
    assert ("balance", "amount_differs", COMMISSION + 1, COMMISSION) in found


def test_a_bill_with_each_line_three_times_counts_each_once(billing: Billing, channel: ChannelControl) -> None:
    paid(billing, channel)
    split(billing)
    channel.bills(repeated=3)
    run = compared(billing, channel)
    assert (states(billing, run), run.matched) == ([], 3)


def test_a_bill_that_is_late_is_the_item_and_not_all_that_it_would_list(
    billing: Billing, channel: ChannelControl
) -> None:
    """Once it is older than it may be, the month waits for it (I9); when it comes, all of it is compared."""
    paid(billing, channel)
    split(billing)
    # We booked on the one day what the channel did on the other.
    late = [business_date(NOW), TODAY]
    channel.bills(late=late)
    run = compared(billing, channel)
    assert [(each.kind, each.reference, each.overdue) for each in items(billing, run)] == [
        ("statement", late[0].isoformat(), True),
        ("statement", late[1].isoformat(), False),
    ]
    channel.advance_days(3)
    # Those that came since say that more stands there than all of them list.
    overdue = {(each.reference, each.overdue) for each in items(billing, compared(billing, channel, 5))}
    assert overdue == {(late[0].isoformat(), True), (late[1].isoformat(), True), ("CNY", True)}
    assert [each for each in billing.violations() if each.startswith("I9")]
    channel.bills()
    run = compared(billing, channel, 6)
    assert (states(billing, run), run.matched) == ([], 3)
    assert billing.violations() == ()


def test_a_bill_is_asked_for_again_for_a_week_and_then_by_hand(billing: Billing, channel: ChannelControl) -> None:
    paid(billing, channel)
    compared(billing, channel)
    channel.bills(lost=[("order", PAYMENT)])
    channel.advance_days(9)
    assert states(billing, compared(billing, channel, 11)) == []
    again = reconcile(billing, TOMORROW + timedelta(days=10), source="channel", since_ever=True)
    assert states(billing, again) == [("held", "ours_only", PAID, None)]


@pytest.mark.parametrize("fault", ["timeout_before_effect", "error_before_effect", "busy"])
def test_a_bill_that_does_not_come_is_asked_for_again(billing: Billing, channel: ChannelControl, fault: str) -> None:
    """The run waits for it, and has it then."""
    paid(billing, channel)
    channel.advance_days(1)
    channel.fail_next(fault, "/v1/bills")
    run = start(billing, now=TOMORROW, source="channel")
    billing.do_outside(TOMORROW)
    assert the_run(billing, run.run_id).state == "running"
    billing.do_outside(TOMORROW + timedelta(minutes=1))
    done = the_run(billing, run.run_id)
    assert (done.state, done.matched, states(billing, done)) == ("done", 1, [])


def test_ten_runs_at_once_find_the_same(billing: Billing, channel: ChannelControl) -> None:
    contracted(billing)
    channel.pay(PAYMENT)
    channel.advance_days(1)
    runs = together([partial(start, billing, now=TOMORROW, source="channel") for _ in range(10)])
    together([partial(billing.do_outside, TOMORROW) for _ in range(3)])
    billing.do_outside(TOMORROW)
    for each in runs:
        assert isinstance(each, ReconciliationView)
        assert states(billing, the_run(billing, each.run_id)) == [("held", "theirs_only", None, PAID)]
    assert billing.rows("SELECT count(*) FROM reconciliation_item") == [(1,)]


def test_a_fee_that_the_channel_takes_is_booked_by_two_people_and_in_order_then(
    billing: Billing, channel: ChannelControl
) -> None:
    paid(billing, channel)
    split(billing)
    channel.charge(600)
    (item,) = items(billing, compared(billing, channel))
    assert (item.reference, item.ours, item.theirs) == ("fee/f1", None, -600)
    approve(billing, propose(billing, item.item_id, THE_FEE))
    assert billing.balance(CHANNEL) == -(COMMISSION - 600) == -channel.merchant_balance()
    assert states(billing, compared(billing, channel, 2)) == []
    assert billing.violations() == ()


def test_what_is_held_for_others_is_booked_by_nobody(billing: Billing, channel: ChannelControl) -> None:
    contracted(billing)
    channel.pay(PAYMENT)
    (item,) = items(billing, compared(billing, channel))
    with pytest.raises(ItemNotByHand):
        propose(billing, item.item_id, THE_FEE)
