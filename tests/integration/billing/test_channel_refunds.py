"""What goes back to a customer of an order in agent mode: by the channel, else by bank at the provider's expense."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.domain import ledger
from services.billing.domain.channel_order import ChannelOrderFacts
from services.billing.domain.ledger import BANK, CHANNEL, entries
from services.billing.domain.refund import ProvidersMoney, SameHands
from services.billing.use_cases import channel_order, channel_payment, order, refund, split_order
from services.billing.use_cases.ledger import post_transaction
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.billing.refund import ApproveRefund, RequestRefund, RerouteRefund
from services.shared.messages.billing.split_order import RetrySplitReturn
from tests.integration.billing.agent_orders import (
    COMMISSION,
    HELD,
    OWES,
    PAID,
    PAYMENT,
    REST,
    accept,
    channel_order_state,
    give_back,
    look,
    paid,
    refund_part,
    return_state,
    split,
    split_state,
)
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import approve_refund, bank_says, order_cancelled
from tests.kit.channel_control import ChannelControl
from tests.kit.fakes_billing import FINANCE, LATER, NOW, ORDER_ID, OTHER_FINANCE, PROVIDER_ID, cny


@pytest.fixture(autouse=True)
def everything_holds(billing: Billing) -> Iterator[None]:
    """Whatever a test did: no invariant is hurt after it."""
    yield
    assert billing.violations() == ()


def reroute(billing: Billing, refund_id: UUID, route: str = "bank_transfer") -> None:
    billing.run(refund.reroute_refund, RerouteRefund(refund_id=refund_id, route=route))  # type: ignore[arg-type]


def test_before_acceptance_it_comes_out_of_what_the_channel_holds(billing: Billing, channel: ChannelControl) -> None:
    paid(billing, channel)
    give_back(billing, 40_000)
    assert refund_part(billing) == ("platform_channel", "succeeded", "")
    assert billing.balance(HELD) == PAID - 40_400
    split(billing)
    assert (billing.balance(HELD), channel_order_state(billing)) == (0, "settled")
    assert (channel.merchant_balance(), channel.balance(str(PROVIDER_ID))) == (6_360, 60_600 - 6_360)


def test_a_cancelled_order_that_is_paid_goes_back_wholly(billing: Billing, channel: ChannelControl) -> None:
    paid(billing, channel)
    billing.handle(order.cancelled, order_cancelled())
    billing.do_outside()
    assert [(each["state"], each["amount"]) for each in channel.things("refund")] == [("SUCCESS", PAID)]
    assert (billing.balance(HELD), channel_order_state(billing)) == (0, "settled")


def test_after_the_split_the_provider_has_commission_back_and_gives_the_customer_all_of_it(
    billing: Billing, channel: ChannelControl
) -> None:
    paid(billing, channel)
    split(billing)
    give_back(billing, 100_000)
    billing.do_outside()
    assert return_state(billing) == ("success", "")
    assert refund_part(billing) == ("platform_channel", "succeeded", "")
    assert channel.merchant_balance() == channel.balance(str(PROVIDER_ID)) == 0
    assert billing.balance(CHANNEL) == billing.balance(OWES) == 0


def test_the_customers_money_waits_until_the_provider_has_the_commission_back(
    billing: Billing, channel: ChannelControl
) -> None:
    """Else the provider's balance would be too low by just that."""
    paid(billing, channel)
    split(billing)
    channel.slow("return")
    made = give_back(billing, 100_000)
    assert refund_part(billing)[1] == "waiting"
    assert channel.things("refund") == []
    channel.settle("return", f"{made.refund_id}/1")
    look(billing, "channel_return", f"{made.refund_id}/1")
    billing.do_outside()
    assert refund_part(billing)[1] == "succeeded"
    look(billing, "channel_return", f"{made.refund_id}/1")
    assert len(channel.things("refund")) == 1


def test_what_the_provider_has_withdrawn_the_company_pays_by_bank_and_is_owed(
    billing: Billing, channel: ChannelControl
) -> None:
    """Two let it go; what the provider is owed next is netted against it (see the claw-back)."""
    paid(billing, channel)
    split(billing)
    channel.withdraw(REST, whose=str(PROVIDER_ID))
    made = give_back(billing, 50_000)
    billing.do_outside()
    assert refund_part(billing) == ("platform_channel", "failed", "balance_too_low")
    with pytest.raises(ProvidersMoney):
        reroute(billing, made.refund_id, "customer_credit")
    reroute(billing, made.refund_id)
    with pytest.raises(SameHands):
        billing.run(approve_refund, ApproveRefund(refund_id=made.refund_id), FINANCE)
    assert billing.balance(OWES) == 0
    billing.run(approve_refund, ApproveRefund(refund_id=made.refund_id), OTHER_FINANCE)
    assert billing.balance(OWES) == -50_500
    assert billing.rows('SELECT "left" FROM clawback') == [(50_500,)]
    assert billing.violations() == ()
    bank_says(billing, ("b1", "out", "505.00", made.number))
    assert refund_part(billing) == ("bank_transfer", "succeeded", "")
    assert billing.balance(BANK) == 50_500


def test_after_a_year_the_channel_is_not_asked_any_more(billing: Billing, channel: ChannelControl) -> None:
    paid(billing, channel)
    ((paid_at,),) = billing.rows("SELECT paid_at FROM channel_order")
    at = paid_at + timedelta(days=365, minutes=1)
    asked = RequestRefund(order_id=ORDER_ID, net=cny(50_000), burden="provider", reason="unusable")
    made = billing.run(refund.request_refund, asked, now=at)
    billing.run(
        approve_refund,
        ApproveRefund(refund_id=made.refund_id),
        OTHER_FINANCE,
        now=at,
    )
    assert refund_part(billing) == ("platform_channel", "failed", "refund_days_over")
    assert billing.rows("SELECT count(*) FROM outside_call WHERE kind = 'create_channel_refund'") == [(0,)]


def test_after_half_a_year_the_providers_next_statement_pays_its_part_of_the_commission(
    billing: Billing, channel: ChannelControl
) -> None:
    """The channel would return it no more, however often it is tried: that it says so counts, once."""
    paid(billing, channel)
    split(billing)
    channel.advance_days(181)
    give_back(billing, 50_000)
    assert refund_part(billing) == ("platform_channel", "succeeded", "")
    assert -billing.balance(CHANNEL) == channel.merchant_balance() == COMMISSION
    _is_on_the_next_statement(billing, 5_300)


def test_a_return_that_failed_and_is_tried_again_too_late_is_on_the_providers_next_statement(
    billing: Billing, channel: ChannelControl
) -> None:
    paid(billing, channel)
    split(billing)
    channel.withdraw(COMMISSION)
    made = give_back(billing, 50_000)
    assert return_state(billing) == ("failed", "balance_too_low")
    channel.advance_days(181)
    billing.run(split_order.retry_split_return, RetrySplitReturn(refund_id=made.refund_id))
    billing.do_outside()
    _is_on_the_next_statement(billing, 5_300)
    with pytest.raises(WrongState):
        billing.run(split_order.retry_split_return, RetrySplitReturn(refund_id=made.refund_id))


def _is_on_the_next_statement(billing: Billing, amount: int) -> None:
    assert return_state(billing) == ("success", "")
    assert billing.balance(OWES) == 0
    assert billing.balance(ledger.owed("provider", PROVIDER_ID, "accrued")) == amount
    assert billing.rows("SELECT net + tax FROM accrual WHERE party_id = %s", (PROVIDER_ID,)) == [(amount,)]


def test_a_refund_that_takes_its_time_is_asked_about_until_it_is_done(
    billing: Billing, channel: ChannelControl
) -> None:
    paid(billing, channel)
    channel.slow("refund")
    made = give_back(billing, 100_000)
    number = f"{made.refund_id}/{PAYMENT}/0"
    assert refund_part(billing)[1] == "sent"
    assert billing.balance(HELD) == PAID
    channel.settle("refund", number)
    billing.run_timers(NOW + timedelta(minutes=2))
    billing.do_outside(NOW + timedelta(minutes=2))
    assert refund_part(billing)[1] == "succeeded"
    assert billing.balance(HELD) == 0


def test_a_return_waits_for_the_split_and_with_it_the_refund(billing: Billing, channel: ChannelControl) -> None:
    """A refund that is agreed while the split is still under way."""
    paid(billing, channel)
    channel.slow("split")
    split(billing)
    give_back(billing, 50_000)
    assert channel.things("return") == channel.things("refund") == []
    channel.settle("split", channel.things("split")[0]["number"])
    billing.run_timers(LATER)
    for _ in range(3):
        billing.do_outside(LATER)
    assert return_state(billing) == ("success", "")
    assert refund_part(billing)[1] == "succeeded"
    assert channel.merchant_balance() == COMMISSION - 5_300 == -billing.balance(CHANNEL)


def test_the_customers_money_goes_back_although_the_split_it_waited_for_failed(
    billing: Billing, channel: ChannelControl
) -> None:
    paid(billing, channel)
    channel.slow("split")
    split(billing)
    give_back(billing, 50_000)
    assert refund_part(billing)[1] == "waiting"
    channel.settle("split", str(ORDER_ID), "payee_restricted")
    look(billing, "channel_split", str(ORDER_ID))
    billing.do_outside()
    assert return_state(billing) == ("success", "")
    assert refund_part(billing) == ("platform_channel", "succeeded", "")
    assert channel.things("return") == []
    assert billing.rows('SELECT "left" FROM clawback') == [(COMMISSION - 5_300,)]


def test_what_was_released_by_time_is_refunded_by_the_provider_and_the_commission_netted(
    billing: Billing, channel: ChannelControl
) -> None:
    paid(billing, channel)
    channel.advance_days(181)
    look(billing, "channel_order", PAYMENT)
    accept(billing)
    assert -billing.balance(OWES) == COMMISSION
    give_back(billing, 50_000)
    billing.do_outside()
    assert return_state(billing) == ("success", "")
    assert refund_part(billing) == ("platform_channel", "succeeded", "")
    assert -billing.balance(OWES) == COMMISSION - 5_300
    assert channel.balance(str(PROVIDER_ID)) == PAID - 50_500


def _given_back_slowly(billing: Billing, channel: ChannelControl, net: int) -> str:
    """A refund that the channel has taken and not made yet. Returns its number there."""
    channel.slow("refund")
    made = give_back(billing, net)
    return f"{made.refund_id}/{PAYMENT}/0"


def _made(billing: Billing, channel: ChannelControl, number: str) -> None:
    channel.settle("refund", number)
    look(billing, "channel_refund", number)


def test_what_goes_back_stays_held_while_the_rest_is_split(billing: Billing, channel: ChannelControl) -> None:
    """A refund from before acceptance that the channel makes only after the split: settled with the last fen."""
    paid(billing, channel)
    number = _given_back_slowly(billing, channel, 40_000)
    split(billing)
    assert split_state(billing) == ("finished", "")
    assert (billing.balance(HELD), channel_order_state(billing)) == (40_400, "paid")
    assert billing.violations() == ()
    _made(billing, channel, number)
    assert (billing.balance(HELD), channel_order_state(billing)) == (0, "settled")


def test_all_of_it_gone_back_before_the_split_is_finished(billing: Billing, channel: ChannelControl) -> None:
    paid(billing, channel)
    number = _given_back_slowly(billing, channel, 100_000)
    channel.slow("split")
    split(billing)
    _made(billing, channel, number)
    assert channel_order_state(billing) == "settled"
    channel.settle("split", str(ORDER_ID))
    look(billing, "channel_split", str(ORDER_ID))
    assert split_state(billing) == ("finished", "")


def test_what_goes_back_is_not_released_with_the_rest(billing: Billing, channel: ChannelControl) -> None:
    paid(billing, channel)
    number = _given_back_slowly(billing, channel, 40_000)
    channel.advance_days(181)
    look(billing, "channel_order", PAYMENT)
    assert (billing.balance(HELD), channel_order_state(billing)) == (40_400, "released")
    assert billing.violations() == ()
    _made(billing, channel, number)
    assert refund_part(billing)[1] == "succeeded"
    assert billing.balance(HELD) == 0


def test_a_refund_that_the_channel_made_before_the_release_is_learned_first(
    billing: Billing, channel: ChannelControl
) -> None:
    """Although the release is told before it: what the customer has back is not booked as the provider's."""
    paid(billing, channel)
    number = _given_back_slowly(billing, channel, 40_000)
    channel.settle("refund", number)
    channel.advance_days(181)
    look(billing, "channel_order", PAYMENT)
    assert (billing.balance(HELD), channel_order_state(billing)) == (PAID, "paid")
    look(billing, "channel_refund", number)
    _asked_again(billing)
    assert (billing.balance(HELD), channel_order_state(billing)) == (0, "released")
    assert refund_part(billing)[1] == "succeeded"


def test_a_release_that_was_asked_about_before_the_refund_was_made_is_asked_about_again(
    billing: Billing, channel: ChannelControl
) -> None:
    """The answer is from before what is known of the refund by now: nothing stays held for it."""
    paid(billing, channel)
    number = _given_back_slowly(billing, channel, 40_000)
    channel.advance_days(181)
    (there,) = channel.things("order")
    _made(billing, channel, number)
    old = ChannelOrderFacts("released", "", there["transaction"], cny(PAID), cny(there["held"]), NOW)
    learned = billing.within(lambda uow: channel_payment.learn(UUID(PAYMENT), old, uow=uow, now=NOW))
    assert (learned, billing.balance(HELD), channel_order_state(billing)) == ("refund_unclear", PAID - 40_400, "paid")
    _asked_again(billing)
    assert (billing.balance(HELD), channel_order_state(billing)) == (0, "released")


def _asked_again(billing: Billing) -> None:
    ((due_at,),) = billing.rows("SELECT due_at FROM timer WHERE subject = %s", (f"{PAYMENT}/over",))
    billing.within(lambda uow: channel_order.check_release(f"{PAYMENT}/over", uow=uow, now=due_at), due_at)
    billing.do_outside(due_at)


def test_commission_netted_before_the_refund_is_on_the_providers_next_statement(
    billing: Billing, channel: ChannelControl
) -> None:
    """The channel never split it, so it can return nothing: what the provider does not owe any more it is paid."""
    paid(billing, channel)
    channel.restrict(str(PROVIDER_ID))
    split(billing)

    def net(uow: BillingUnitOfWork) -> None:
        for owed in uow.clawbacks.open_of(PROVIDER_ID, "CNY"):
            owed.take(10_000)
            uow.clawbacks.save(owed)
        moved = entries(("D", BANK, cny(10_000)), ("C", OWES, cny(10_000)))
        post_transaction(uow, key="paid", kind="commission_paid", entries=moved, effective_at=NOW, now=NOW)

    billing.within(net)
    give_back(billing, 50_000)
    assert return_state(billing) == ("success", "")
    assert billing.balance(OWES) == 0
    assert billing.balance(ledger.owed("provider", PROVIDER_ID, "accrued")) == 4_700
    assert billing.rows('SELECT "left" FROM clawback') == [(0,)]
    assert billing.rows("SELECT net + tax FROM accrual WHERE party_id = %s", (PROVIDER_ID,)) == [(4_700,)]
