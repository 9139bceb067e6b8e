"""The splitting channel, on the real database against its stand-in: paid, split, returned, released, given back."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest

from services.billing.domain.bank_line_part import PartsDiffer
from services.billing.domain.ledger import BANK, CHANNEL, CHANNEL_HOLDS, SUSPENSE
from services.billing.use_cases import bank_line, order, split_order
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.kernel.payment_schedule import payment_schedule
from services.shared.messages.billing.bank_line import BankLinePart, ResolveBankLine
from services.shared.messages.billing.split_order import RetrySplitReturn
from tests.integration.billing.agent_orders import (
    COMMISSION,
    HELD,
    OWES,
    PAID,
    PAYMENT,
    REST,
    TV05,
    accept,
    channel_order_state,
    contracted,
    give_back,
    look,
    paid,
    refund_part,
    return_state,
    split,
    split_state,
)
from tests.integration.billing.conftest import Billing
from tests.integration.billing.test_bank_targets import confirm, says, suspended
from tests.kit.channel_control import ChannelControl
from tests.kit.fakes_billing import (
    FINANCE,
    NOW,
    ORDER_ID,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    cny,
    order_cancelled,
)
from tests.kit.real_service import together


@pytest.fixture(autouse=True)
def everything_holds(billing: Billing) -> Iterator[None]:
    """Whatever a test did: no invariant is hurt after it."""
    yield
    assert billing.violations() == ()


def test_a_customer_pays_by_the_channels_code_and_nothing_of_it_is_ours(
    billing: Billing, channel: ChannelControl
) -> None:
    contracted(billing)
    ((state, code),) = billing.rows("SELECT state, client_secret FROM payment")
    assert state == "pending"
    assert code.startswith("weixin://")
    channel.pay(PAYMENT)
    look(billing, "channel_order", PAYMENT)
    look(billing, "channel_order", PAYMENT)
    assert billing.rows("SELECT state, received, client_secret FROM payment") == [("succeeded", PAID, None)]
    assert (
        billing.told.count("payment.succeeded.v1")
        + billing.rows("SELECT count(*) FROM outbox WHERE type = 'payment.succeeded.v1'")[0][0]
        == 1
    )
    assert billing.balance(HELD) == PAID
    assert billing.balance(CHANNEL_HOLDS) == -PAID
    ours = billing.rows("SELECT account FROM account_balance WHERE account NOT LIKE 'M:%'")
    assert ours == []


def test_tv05_the_company_has_its_commission_and_the_provider_the_rest(
    billing: Billing, channel: ChannelControl
) -> None:
    paid(billing, channel)
    split(billing)
    assert split_state(billing) == ("finished", "")
    assert billing.balance(CHANNEL) == -COMMISSION
    assert billing.balance(OWES) == 0
    assert billing.balance(HELD) == billing.balance(CHANNEL_HOLDS) == 0
    assert channel_order_state(billing) == "settled"
    assert (channel.merchant_balance(), channel.balance(str(PROVIDER_ID))) == (COMMISSION, REST)


def test_an_order_paid_otherwise_than_asked_is_in_doubt_and_booked_nowhere(
    billing: Billing, channel: ChannelControl
) -> None:
    contracted(billing)
    channel.pay(PAYMENT, PAID - 1)
    look(billing, "channel_order", PAYMENT)
    assert billing.rows("SELECT state FROM payment") == [("unknown",)]
    assert billing.balance(HELD) == 0


@pytest.mark.parametrize("fault", ["timeout_after_effect", "error_after_effect", "timeout_before_effect", "busy"])
@pytest.mark.parametrize("thing", ["orders", "splits", "returns", "refunds"])
def test_a_call_of_unknown_outcome_is_repeated_and_counts_once(
    billing: Billing, channel: ChannelControl, fault: str, thing: str
) -> None:
    channel.fail_next(fault, f"/v1/{thing}")
    contracted(billing)
    if thing == "orders":
        assert billing.rows("SELECT state FROM payment") == [("created",)]
        billing.do_outside(NOW + timedelta(minutes=1))
    channel.pay(PAYMENT)
    look(billing, "channel_order", PAYMENT, NOW + timedelta(minutes=1))
    split(billing)
    billing.do_outside(NOW + timedelta(minutes=1))
    give_back(billing, 33_333)
    billing.do_outside(NOW + timedelta(minutes=1))
    assert (split_state(billing), return_state(billing)) == (("finished", ""), ("success", ""))
    assert refund_part(billing) == ("platform_channel", "succeeded", "")
    assert len(channel.things("order")) == len(channel.things("split")) == len(channel.things("return")) == 1
    assert channel.merchant_balance() == COMMISSION - 3_533 == -billing.balance(CHANNEL)


def test_twenty_splits_of_one_order_at_once_are_one(billing: Billing, channel: ChannelControl) -> None:
    paid(billing, channel)
    assert together([lambda: accept(billing)] * 20) == [None] * 20
    billing.do_outside()
    assert len(channel.things("split")) == 1
    assert billing.balance(CHANNEL) == -COMMISSION


def test_twenty_orders_at_once_are_each_paid_and_split(billing: Billing, channel: ChannelControl) -> None:
    orders = [(derived_id("order", "channel", str(n)), f"OR-2026-1{n:05d}") for n in range(20)]
    for order_id, number in orders:
        contracted(billing, order_id, number)
    together([lambda each=order_id: channel.pay(str(payment_id_of(each))) for order_id, _ in orders])  # type: ignore[misc]
    together([lambda each=order_id: look(billing, "channel_order", str(payment_id_of(each))) for order_id, _ in orders])  # type: ignore[misc]
    together([lambda each=order_id, numbered=number: split(billing, each, numbered) for order_id, number in orders])  # type: ignore[misc]
    billing.do_outside()
    assert billing.rows("SELECT state, count(*) FROM split_order GROUP BY state") == [("finished", 20)]
    assert -billing.balance(CHANNEL) == channel.merchant_balance() == 20 * COMMISSION


def test_a_split_that_takes_its_time_is_booked_when_it_is_done_and_no_sooner(
    billing: Billing, channel: ChannelControl
) -> None:
    paid(billing, channel)
    channel.slow("split")
    split(billing)
    assert split_state(billing) == ("processing", "")
    assert billing.balance(CHANNEL) == 0
    channel.settle("split", str(ORDER_ID))
    billing.run_timers(NOW + timedelta(minutes=2))
    billing.do_outside(NOW + timedelta(minutes=2))
    assert split_state(billing) == ("finished", "")
    assert billing.balance(CHANNEL) == -COMMISSION


def test_a_split_that_fails_at_the_channel_leaves_the_provider_owing_the_commission(
    billing: Billing, channel: ChannelControl
) -> None:
    paid(billing, channel)
    channel.restrict(str(PROVIDER_ID))
    split(billing)
    assert split_state(billing) == ("failed", "payee_restricted")
    assert -billing.balance(OWES) == COMMISSION
    assert billing.rows('SELECT "left" FROM clawback') == [(COMMISSION,)]
    assert "split_order.failed.v1" in [row[0] for row in billing.rows("SELECT type FROM outbox")]


def test_unsplit_money_is_the_providers_after_180_days_and_the_commission_is_owed(
    billing: Billing, channel: ChannelControl
) -> None:
    """Two weeks before it is told; then the channel's word counts, by the timer although no notice came."""
    paid(billing, channel)
    ((paid_at,),) = billing.rows("SELECT paid_at FROM channel_order")
    billing.run_timers(paid_at + timedelta(days=166, minutes=1))
    assert [row[0] for row in billing.rows("SELECT type FROM outbox WHERE type LIKE 'channel_order%'")] == [
        "channel_order.release_due.v1"
    ]
    billing.do_outside(paid_at + timedelta(days=166, minutes=1))
    assert channel_order_state(billing) == "paid"
    channel.advance_days(180)
    over = paid_at + timedelta(days=180, minutes=6)
    billing.run_timers(over)
    billing.do_outside(over)
    assert channel_order_state(billing) == "released"
    assert channel.balance(str(PROVIDER_ID)) == PAID
    assert billing.balance(HELD) == 0
    accept(billing, now=over)
    billing.do_outside(over)
    assert split_state(billing) == ("failed", "channel_order_released")
    assert -billing.balance(OWES) == COMMISSION
    assert channel.things("split") == []


def test_a_split_asked_for_too_late_for_the_channel_fails_too(billing: Billing, channel: ChannelControl) -> None:
    """We did not know of the release yet: the channel refuses, and nothing is ours."""
    paid(billing, channel)
    channel.advance_days(181)
    split(billing)
    assert split_state(billing) == ("failed", "after_days")
    look(billing, "channel_order", PAYMENT)
    assert channel_order_state(billing) == "released"


def test_a_return_that_our_balance_is_too_low_for_fails_and_is_tried_again_by_finance(
    billing: Billing, channel: ChannelControl
) -> None:
    paid(billing, channel)
    split(billing)
    channel.withdraw(COMMISSION)
    wanted = RetrySplitReturn(refund_id=give_back(billing, 33_333).refund_id)
    assert return_state(billing) == ("failed", "balance_too_low")
    assert billing.balance(OWES) == 3_533
    assert billing.balance(CHANNEL) == -COMMISSION
    with pytest.raises(NotFound):
        billing.run(split_order.retry_split_return, wanted, PROVIDER_FINANCE)
    second = derived_id("order", "second")
    paid(billing, channel, second, "OR-2026-000124")
    split(billing, second, "OR-2026-000124")
    billing.run(split_order.retry_split_return, wanted, FINANCE)
    with pytest.raises(WrongState):
        billing.run(split_order.retry_split_return, wanted, FINANCE)
    billing.do_outside()
    assert return_state(billing) == ("success", "")
    assert billing.balance(OWES) == 0
    assert channel.merchant_balance() == COMMISSION - 3_533


def test_a_cancelled_order_is_closed_at_the_channel_and_cannot_be_paid(
    billing: Billing, channel: ChannelControl
) -> None:
    contracted(billing)
    billing.handle(order.cancelled, order_cancelled())
    billing.do_outside()
    assert channel.things("order")[0]["state"] == "CLOSED"
    assert channel_order_state(billing) == "closed"


def test_an_order_cancelled_before_the_channel_knew_it_is_closed_there_too(
    billing: Billing, channel: ChannelControl
) -> None:
    """The call that makes it had an unknown outcome, and is made again after the order was given up."""
    channel.fail_next("timeout_before_effect", "/v1/orders")
    contracted(billing)
    billing.handle(order.cancelled, order_cancelled())
    billing.do_outside()
    billing.do_outside(NOW + timedelta(minutes=1))
    billing.do_outside(NOW + timedelta(minutes=1))
    assert channel.things("order")[0]["state"] == "CLOSED"


def test_who_pays_while_the_order_is_cancelled_has_the_money_back(billing: Billing, channel: ChannelControl) -> None:
    contracted(billing)
    channel.pay(PAYMENT)
    billing.handle(order.cancelled, order_cancelled())
    billing.do_outside()
    assert billing.rows("SELECT state, received FROM payment") == [("cancelled", 0)]
    assert [each["state"] for each in channel.things("refund")] == ["SUCCESS"]
    assert channel_order_state(billing) == "settled"
    assert billing.balance(HELD) == 0
    assert billing.rows("SELECT count(*) FROM outbox WHERE type = 'payment.succeeded.v1'") == [(0,)]


def test_commission_withdrawn_to_the_bank_is_booked_by_its_line_and_no_more_than_it(
    billing: Billing, channel: ChannelControl
) -> None:
    paid(billing, channel)
    split(billing)
    says(billing, suspended(billing, "s1", "in", "106.00"), ("channel", None, COMMISSION))
    assert (billing.balance(CHANNEL), billing.balance(SUSPENSE), -billing.balance(BANK)) == (0, 0, COMMISSION)
    other = suspended(billing, "s2", "in", "106.00")
    with pytest.raises(PartsDiffer):
        says(billing, other, ("channel", None, COMMISSION))


def test_commission_is_withdrawn_once_whoever_confirms_it(billing: Billing, channel: ChannelControl) -> None:
    """Three lines are said to be all of it: the first that is confirmed is, however many confirm at once."""
    paid(billing, channel)
    split(billing)
    lines = [suspended(billing, f"s{n}", "in", "106.00", "withdrawal") for n in range(3)]
    part = BankLinePart(kind="channel", target_id=None, amount=cny(COMMISSION))
    for line in lines:
        wanted = ResolveBankLine(bank_line_id=line, parts=(part,), reason="commission withdrawn")
        billing.run(partial(bank_line.resolve_bank_line, alone_max=0), wanted)
    answers = together([partial(confirm, billing, line) for line in lines])
    assert len([each for each in answers if isinstance(each, PartsDiffer)]) == 2
    assert (billing.balance(CHANNEL), billing.balance(SUSPENSE)) == (0, 2 * COMMISSION)
    assert billing.violations() == ()


def test_the_price_that_is_asked_is_all_before_work(billing: Billing, channel: ChannelControl) -> None:
    """The channel holds one payment for an order; none of it is on credit."""
    del channel
    billing.contracted(**TV05, payment_schedule=payment_schedule(3_000))
    assert billing.rows("SELECT amount, method FROM payment") == [(PAID, "platform_channel")]
    assert billing.rows("SELECT FROM credit") == []
