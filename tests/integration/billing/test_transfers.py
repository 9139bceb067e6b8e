"""Payouts by transfer at the institution: paid once whatever happens to the call, back once, and never blindly."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
import stripe

from services.billing.adapters.card_queries import list_payout_channels
from services.billing.adapters.stripe_events import StripeWebhooks
from services.billing.domain.ledger import PSP, owed, payout_transit
from services.billing.domain.payout_channel import ConnectedAccountTaken
from services.billing.use_cases import payout_channel
from services.billing.use_cases.stripe_event import record_stripe_event
from services.shared.chassis.clock import SystemClock
from services.shared.kernel.actor import PUBLIC
from services.shared.kernel.errors import NotAllowed, Refused
from services.shared.messages.billing.payment import RecordStripeEvent
from services.shared.messages.billing.payout import PayoutView
from services.shared.messages.billing.payout_channel import (
    AgreePayoutChannel,
    ListPayoutChannels,
    PayoutChannelView,
    ProposePayoutChannel,
)
from services.shared.messages.billing.settlement import SettlementView
from tests.integration.billing.conftest import Billing
from tests.integration.billing.test_payouts import payable, state_of
from tests.integration.billing.test_reconciliation_stripe import items, reconcile
from tests.integration.billing.test_stripe_kills import caller
from tests.kit.fakes_billing import (
    FINANCE,
    LATER,
    NOW,
    OTHER_FINANCE,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    REQUESTER,
    STATION_ID,
    STATION_MANAGER,
)
from tests.kit.real_service import together
from tests.kit.stripe_control import FaultKind, StripeControl, StripeStandIn
from tests.kit.stripe_sdk import connected_account, pay, sdk
from tests.kit.stripe_simulator.webhooks import signature
from tests.kit.waiting import wait_until

PAYABLE = owed("provider", PROVIDER_ID, "payable")
MONTH_LATER = LATER + timedelta(days=30)


@pytest.fixture
def client(stand_in: StripeStandIn, stripe_control: StripeControl) -> Iterator[stripe.StripeClient]:
    del stripe_control
    with sdk(stand_in.url, stand_in.api_key) as made:
        yield made


def agreed(billing: Billing, account: str) -> PayoutChannelView:
    """The provider is paid to *account*, which the institution was asked about."""
    wanted = ProposePayoutChannel(party_id=PROVIDER_ID, way="stripe_transfer", account_id=account, agreement="FA-1")
    proposed = billing.run(payout_channel.propose_payout_channel, wanted)
    agreeing = AgreePayoutChannel(payout_channel_id=proposed.payout_channel_id)
    made = billing.run(payout_channel.agree_payout_channel, agreeing, OTHER_FINANCE)
    billing.do_outside()
    return made


def released(billing: Billing, client: stripe.StripeClient, balance: int = 106_000) -> tuple[PayoutView, str]:
    """TV01's provider, released to its connected account; *balance* of ours is available at the institution."""
    if balance:
        pay(client, balance, "cny", "pm_card_bypassPending")
    account = connected_account(client)
    agreed(billing, account)
    (stated,) = payable(billing, station=False)
    return release(billing, stated), account


def release(billing: Billing, stated: SettlementView) -> PayoutView:
    started = billing.start_payout(stated.settlement_id)
    assert started.way == "stripe_transfer"
    return billing.release_payout(started.payout_id)


def outside(billing: Billing) -> None:
    """Everything that is due, and what follows from it, with all pauses between tries over."""
    for hours in range(4):
        billing.do_outside(LATER + timedelta(hours=hours))


def only_the_transfer(billing: Billing) -> None:
    """Is still to be asked for, and now."""
    billing.database.change(
        "DELETE FROM outside_call WHERE kind <> 'create_transfer'; UPDATE outside_call SET next_attempt_at = 'epoch'"
    )


def transfers(stripe_control: StripeControl) -> int:
    return stripe_control.state().objects.get("transfer", 0)


def paid_once(billing: Billing, stripe_control: StripeControl, one: PayoutView) -> None:
    assert state_of(billing, one) == "paid"
    assert transfers(stripe_control) == 1
    # What the card payment of the books brought is not in them: only what left is.
    assert (billing.balance(PSP), billing.balance(PAYABLE)) == (95_400 - 106_000, 0)
    assert billing.balance(payout_transit(one.payout_id)) == 0
    assert billing.violations() == ()


def deliver(billing: Billing, stand_in: StripeStandIn, stripe_control: StripeControl, kind: str, times: int = 1) -> int:
    """Webhooks of *kind* as the institution made them. Returns how many there were."""
    verify = StripeWebhooks([stand_in.webhook_secret], SystemClock()).verify
    events = [event for event in stripe_control.objects("event") if event["type"] == kind]
    for event in events * times:
        body = json.dumps(event)
        wanted = RecordStripeEvent(body=body, signature=signature(body, stand_in.webhook_secret, int(time.time())))
        with billing.transaction() as uow:
            record_stripe_event(wanted, actor=PUBLIC, uow=uow, now=LATER, verify=verify)
    outside(billing)
    return len(events)


def test_from_release_to_paid(billing: Billing, client: stripe.StripeClient, stripe_control: StripeControl) -> None:
    one, account = released(billing, client)
    assert (one.state, one.account_number) == ("in_transit", account)
    assert billing.balance(payout_transit(one.payout_id)) == 95_400
    assert billing.violations() == ()
    outside(billing)
    paid_once(billing, stripe_control, one)
    (made,) = stripe_control.objects("transfer")
    assert (made["amount"], made["currency"], made["destination"]) == (95_400, "cny", account)
    assert billing.rows("SELECT transfer_id FROM payout") == [(made["id"],)]
    billing.run_timers(MONTH_LATER)
    outside(billing)
    paid_once(billing, stripe_control, one)


@pytest.mark.parametrize(
    "fault",
    ["timeout_before_effect", "timeout_after_effect", "error_before_effect", "error_after_effect", "conflict",
     "rate_limit"],
)  # fmt: skip
def test_one_transfer_whatever_happens(
    billing: Billing, client: stripe.StripeClient, stripe_control: StripeControl, fault: FaultKind
) -> None:
    """M1: answered too late, with an error that is stored, or not now: one transfer, one posting."""
    one, _ = released(billing, client)
    stripe_control.fail_next(fault, path="/v1/transfers")
    outside(billing)
    assert stripe_control.state().faults_left == 0
    paid_once(billing, stripe_control, one)


@pytest.mark.parametrize("moment", ["outside_call_sent", "outside_call_done"])
def test_killed_over_the_transfer(
    billing: Billing, client: stripe.StripeClient, stripe_control: StripeControl, moment: str
) -> None:
    """Before the institution hears of it and after it has answered: one transfer, and it counts once."""
    one, _ = released(billing, client)
    only_the_transfer(billing)
    with caller(billing, f"{moment}:crash") as process:
        assert process.wait(timeout=30) == 137
    assert state_of(billing, one) == "in_transit"
    assert transfers(stripe_control) == (moment == "outside_call_done")
    with caller(billing):
        wait_until(lambda: state_of(billing, one) == "paid")
    paid_once(billing, stripe_control, one)


def test_too_little_balance_is_a_normal_failure(
    billing: Billing, client: stripe.StripeClient, stripe_control: StripeControl
) -> None:
    """Nothing is tried again by itself: it is payable again, and whoever starts anew is paid once."""
    one, _ = released(billing, client, balance=0)
    outside(billing)
    assert (state_of(billing, one), transfers(stripe_control)) == ("failed", 0)
    assert billing.rows("SELECT failure FROM payout") == [("balance_insufficient",)]
    assert billing.balance(PAYABLE) == 95_400
    assert billing.violations() == ()
    pay(client, 106_000, "cny", "pm_card_bypassPending")
    billing.run_timers(MONTH_LATER)
    outside(billing)
    assert transfers(stripe_control) == 0
    again = billing.start_payout(one.settlement_id)
    billing.release_payout(again.payout_id)
    outside(billing)
    paid_once(billing, stripe_control, again)


def test_account_restricted_between_release_and_call(
    billing: Billing, client: stripe.StripeClient, stripe_control: StripeControl
) -> None:
    """Refused by the institution: payable again, and no further payout to it is started."""
    one, account = released(billing, client)
    stripe_control.set_transfers(account, active=False)
    outside(billing)
    assert (state_of(billing, one), transfers(stripe_control)) == ("failed", 0)
    assert billing.rows("SELECT transfers FROM payout_channel") == [("inactive",)]
    with pytest.raises(Refused, match="does not let"):
        billing.start_payout(one.settlement_id)
    assert billing.balance(PAYABLE) == 95_400
    assert billing.violations() == ()


def test_account_updated_is_learnt_by_webhook_and_by_asking(
    billing: Billing, client: stripe.StripeClient, stripe_control: StripeControl, stand_in: StripeStandIn
) -> None:
    """Of a connected account's events the one that says what it may; were it lost, it is asked about once a day."""
    account = connected_account(client)
    agreed(billing, account)
    assert billing.rows("SELECT transfers FROM payout_channel") == [("active",)]
    stripe_control.set_transfers(account, active=False)
    assert deliver(billing, stand_in, stripe_control, "account.updated", times=3) == 1
    assert billing.rows("SELECT transfers FROM payout_channel") == [("inactive",)]
    assert billing.rows("SELECT DISTINCT outcome FROM stripe_event") == [("transfers_inactive",)]
    stripe_control.set_transfers(account, active=True)
    billing.run_timers(NOW + timedelta(days=1))
    outside(billing)
    assert billing.rows("SELECT transfers FROM payout_channel") == [("active",)]
    stranger = connected_account(client)
    stripe_control.set_transfers(stranger, active=False)
    deliver(billing, stand_in, stripe_control, "account.updated")
    assert billing.rows("SELECT transfers FROM payout_channel") == [("active",)]


def test_reversed_is_credited_once(
    billing: Billing, client: stripe.StripeClient, stripe_control: StripeControl, stand_in: StripeStandIn
) -> None:
    """M13 at the institution: told five times, payable again once, and paid anew."""
    one, _ = released(billing, client)
    outside(billing)
    (made,) = stripe_control.objects("transfer")
    client.v1.transfers.reversals.create(made["id"], {"amount": 400})
    deliver(billing, stand_in, stripe_control, "transfer.reversed", times=2)
    assert (state_of(billing, one), billing.balance(PAYABLE)) == ("paid", 0)
    client.v1.transfers.reversals.create(made["id"])
    assert deliver(billing, stand_in, stripe_control, "transfer.reversed", times=5) == 2
    assert (state_of(billing, one), billing.balance(PAYABLE), billing.balance(PSP)) == ("returned", 95_400, -106_000)
    assert billing.rows("SELECT count(*) FROM outbox WHERE type = 'payout.returned.v1'") == [(1,)]
    assert billing.violations() == ()
    again = billing.start_payout(one.settlement_id)
    billing.release_payout(again.payout_id)
    outside(billing)
    assert state_of(billing, again) == "paid"
    assert billing.violations() == ()


def test_a_reversal_that_nobody_told_of_is_found(
    billing: Billing, client: stripe.StripeClient, stripe_control: StripeControl
) -> None:
    """M3: every webhook is lost; the next look finds it."""
    one, _ = released(billing, client)
    outside(billing)
    (made,) = stripe_control.objects("transfer")
    client.v1.transfers.reversals.create(made["id"])
    billing.run_timers(LATER + timedelta(hours=2))
    outside(billing)
    assert (state_of(billing, one), billing.balance(PAYABLE)) == ("returned", 95_400)
    assert billing.violations() == ()


def test_webhook_before_the_answer(
    billing: Billing, client: stripe.StripeClient, stripe_control: StripeControl, stand_in: StripeStandIn
) -> None:
    """The call was made, its answer lost, and the webhook is there first: paid once."""
    one, _ = released(billing, client)
    stripe_control.fail_next("timeout_after_effect", path="/v1/transfers")
    only_the_transfer(billing)
    billing.do_outside(LATER, most=1)
    assert (state_of(billing, one), transfers(stripe_control)) == ("in_transit", 1)
    deliver(billing, stand_in, stripe_control, "transfer.created", times=2)
    paid_once(billing, stripe_control, one)


def test_one_account_agreed_for_two_parties_at_once(billing: Billing, client: stripe.StripeClient) -> None:
    """Of two parties that are to be paid to one account, one is."""
    account = connected_account(client)
    deeds = []
    for party_id in (PROVIDER_ID, STATION_ID):
        wanted = ProposePayoutChannel(party_id=party_id, way="stripe_transfer", account_id=account, agreement="FA-1")
        proposed = billing.run(payout_channel.propose_payout_channel, wanted)
        agreeing = AgreePayoutChannel(payout_channel_id=proposed.payout_channel_id)
        deeds += [partial(billing.run, payout_channel.agree_payout_channel, agreeing, OTHER_FINANCE)] * 2
    answers = together(deeds)
    assert sum(isinstance(answer, PayoutChannelView) for answer in answers) == 1
    assert any(isinstance(answer, ConnectedAccountTaken) for answer in answers)
    assert billing.rows("SELECT count(*) FROM payout_channel WHERE state = 'agreed'") == [(1,)]


def test_two_release_at_once(billing: Billing, client: stripe.StripeClient, stripe_control: StripeControl) -> None:
    pay(client, 106_000, "cny", "pm_card_bypassPending")
    agreed(billing, connected_account(client))
    (stated,) = payable(billing, station=False)
    started = billing.start_payout(stated.settlement_id)
    answers = together([partial(billing.release_payout, started.payout_id)] * 4)
    assert sum(isinstance(answer, PayoutView) for answer in answers) == 1
    outside(billing)
    paid_once(billing, stripe_control, started)


def test_a_party_sees_its_own_channels(billing: Billing, client: stripe.StripeClient) -> None:
    made = agreed(billing, connected_account(client))
    for actor, seen in ((PROVIDER_FINANCE, 1), (STATION_MANAGER, 0), (FINANCE, 1)):
        assert len(billing.run(list_payout_channels, ListPayoutChannels(), actor).items) == seen
    assert billing.run(list_payout_channels, ListPayoutChannels(party_id=PROVIDER_ID), STATION_MANAGER).items == ()
    assert billing.run(list_payout_channels, ListPayoutChannels(state="agreed")).items[0].account_id == made.account_id
    with pytest.raises(NotAllowed):
        billing.run(list_payout_channels, ListPayoutChannels(), REQUESTER)


def test_reconciliation_finds_transfers_and_reversals_in_order(
    billing: Billing, client: stripe.StripeClient, stripe_control: StripeControl
) -> None:
    """The institution's movements are those of the ledger; a reversal that we have not heard of shows until we have."""
    one, _ = released(billing, client, balance=300_000)
    outside(billing)

    def out_of_order() -> list[str]:
        return sorted(
            each.detail.split()[0] for each in items(billing, reconcile(billing)) if "transfer" in each.detail
        )

    assert out_of_order() == []
    (made,) = stripe_control.objects("transfer")
    client.v1.transfers.reversals.create(made["id"])
    assert out_of_order() == ["transfer_refund"]
    billing.run_timers(LATER + timedelta(hours=2))
    outside(billing)
    assert state_of(billing, one) == "returned"
    assert out_of_order() == []
    again = billing.start_payout(one.settlement_id)
    billing.release_payout(again.payout_id)
    outside(billing)
    assert out_of_order() == []
