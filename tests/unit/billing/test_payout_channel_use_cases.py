"""By which way a party is paid: agreed by two, guarded as a bank account is, and what the institution says of it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.billing.domain.ledger import BANK, PSP, owed, payout_transit
from services.billing.domain.payout import BankAccountChanged, BankAccountUnconfirmed, PaidByInstitution, SameHands
from services.billing.domain.payout_channel import (
    ConnectedAccountInactive,
    ConnectedAccountMissing,
    ConnectedAccountTaken,
    OnlyPayees,
    PayoutChannelNew,
    PayoutChannelProposed,
)
from services.billing.use_cases import payout, payout_channel, settlement, transfer
from services.billing.use_cases.transfer import TransferFacts
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.billing.payout import FailPayout, PayoutFailed, PayoutReturned, PayoutView, ReleasePayout
from services.shared.messages.billing.payout_channel import (
    AgreePayoutChannel,
    PayoutChannelAgreed,
    PayoutChannelView,
    ProposePayoutChannel,
    RefusePayoutChannel,
)
from tests.kit.fakes_billing import (
    COOLING_OFF,
    CUSTOMER_ID,
    FINANCE,
    LATER,
    NOW,
    OTHER_FINANCE,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    REQUESTER,
    STATION_ID,
    STATION_MANAGER,
    FakeBillingUnitOfWork,
    an_organisation,
    cny,
)
from tests.unit.billing.test_settlement_use_cases import bank_says, order_of_bank, payable, release, start

ACCOUNT = "acct_1Provider"
PAYABLE = owed("provider", PROVIDER_ID, "payable")
READY = LATER


def propose(uow: FakeBillingUnitOfWork, actor: Actor = FINANCE, **changes: Any) -> PayoutChannelView:
    wanted = ProposePayoutChannel.model_validate(
        {"party_id": PROVIDER_ID, "way": "stripe_transfer", "account_id": ACCOUNT, "agreement": "FA-2026-000001",
         **changes}
    )  # fmt: skip
    return payout_channel.propose_payout_channel(wanted, actor=actor, uow=uow, now=NOW)


def agree(
    uow: FakeBillingUnitOfWork, proposed: PayoutChannelView, actor: Actor = OTHER_FINANCE, now: datetime = NOW
) -> PayoutChannelView:
    wanted = AgreePayoutChannel(payout_channel_id=proposed.payout_channel_id)
    return payout_channel.agree_payout_channel(wanted, actor=actor, uow=uow, now=now)


def by_transfer() -> tuple[FakeBillingUnitOfWork, PayoutView]:
    """Agreed long ago, active, and released: the institution is asked."""
    uow, stated = payable()
    agree(uow, propose(uow))
    payout_channel.learn(ACCOUNT, active=True, uow=uow, now=NOW)
    started = start(uow, stated, now=READY)
    return uow, release(uow, started)


def facts(came_back: int = 0, **changes: Any) -> TransferFacts:
    return TransferFacts(**{
        "transfer_id": "tr_1", "account_id": ACCOUNT, "money": cny(95_400), "reversed": came_back, **changes,
    })  # fmt: skip


def learn(uow: FakeBillingUnitOfWork, released: PayoutView, told: TransferFacts) -> str:
    return transfer.learn(released.payout_id, told, uow=uow, now=LATER)


def test_proposed_by_one_agreed_by_another() -> None:
    """A party may name its account; finance agrees; who proposed does not agree, and only one waits at a time."""
    uow = FakeBillingUnitOfWork()
    proposed = propose(uow, PROVIDER_FINANCE)
    assert uow.payout_channels.agreed_of(PROVIDER_ID) is None
    with pytest.raises(PayoutChannelProposed):
        propose(uow)
    agreed = agree(uow, proposed, FINANCE)
    assert (agreed.state, agreed.transfers) == ("agreed", "unknown")
    (asked,) = uow.calls("fetch_stripe_object")
    assert asked == {"object": "account", "id": ACCOUNT}
    (told,) = uow.events(PayoutChannelAgreed)
    assert (told.party_id, told.account_id) == (PROVIDER_ID, ACCOUNT)
    again = propose(uow, FINANCE, way="bank", account_id=None)
    with pytest.raises(SameHands):
        agree(uow, again, FINANCE)
    agree(uow, again, OTHER_FINANCE)
    assert uow.payout_channels.get(agreed.payout_channel_id).state == "ended"
    with pytest.raises(WrongState):
        agree(uow, again)


def test_who_may() -> None:
    """A party proposes for itself only and agrees to nothing; a customer is not paid; strangers learn nothing."""
    uow = FakeBillingUnitOfWork()
    for stranger in (STATION_MANAGER, REQUESTER):
        with pytest.raises(NotFound):
            propose(uow, stranger)
    with pytest.raises(NotAllowed):
        propose(uow, Actor(PROVIDER_ID, frozenset({"technician"}), new_id()))
    with pytest.raises(NotFound):
        propose(uow, FINANCE, party_id=new_id())
    with pytest.raises(OnlyPayees):
        propose(uow, FINANCE, party_id=CUSTOMER_ID)
    proposed = propose(uow, PROVIDER_FINANCE)
    for stranger in (PROVIDER_FINANCE, STATION_MANAGER):
        with pytest.raises(NotFound):
            agree(uow, proposed, stranger)
        with pytest.raises(NotFound):
            payout_channel.refuse_payout_channel(
                RefusePayoutChannel(payout_channel_id=proposed.payout_channel_id), actor=stranger, uow=uow, now=NOW
            )


def test_an_account_goes_with_a_transfer_and_to_one_party() -> None:
    uow = FakeBillingUnitOfWork()
    with pytest.raises(ConnectedAccountMissing):
        propose(uow, account_id=None)
    with pytest.raises(ConnectedAccountMissing):
        propose(uow, way="bank")
    agree(uow, propose(uow))
    other = propose(uow, party_id=STATION_ID)
    with pytest.raises(ConnectedAccountTaken):
        agree(uow, other)
    refused = payout_channel.refuse_payout_channel(
        RefusePayoutChannel(payout_channel_id=other.payout_channel_id), actor=FINANCE, uow=uow, now=NOW
    )
    assert refused.state == "refused"


def test_another_way_cancels_and_cools_off() -> None:
    """What was started for the bank goes nowhere; nothing is paid for days, nor while the account may not receive."""
    uow, stated = payable()
    started = start(uow, stated)
    agree(uow, propose(uow), now=LATER)
    assert uow.payouts.held[started.payout_id].state == "cancelled"
    ready = LATER + COOLING_OFF
    with pytest.raises(PayoutChannelNew):
        start(uow, stated, now=ready - timedelta(seconds=1))
    with pytest.raises(ConnectedAccountInactive):
        start(uow, stated, now=ready)
    payout_channel.learn(ACCOUNT, active=True, uow=uow, now=NOW)
    uow.organisations.put(an_organisation(verified=False))
    with pytest.raises(BankAccountUnconfirmed):
        start(uow, stated, now=ready)
    uow.organisations.put(an_organisation())
    again = start(uow, stated, now=ready)
    assert (again.way, again.account_number, again.bank_name) == ("stripe_transfer", ACCOUNT, "Stripe")
    payout_channel.learn(ACCOUNT, active=False, uow=uow, now=NOW)
    with pytest.raises(ConnectedAccountInactive):
        payout.release_payout(
            ReleasePayout(payout_id=again.payout_id), actor=OTHER_FINANCE, uow=uow, now=ready, cooling_off=COOLING_OFF
        )


def test_release_looks_at_the_way_again() -> None:
    """Even where the cancellation was missed: neither to the bank nor to another account than was seen."""
    uow, stated = payable()
    started = start(uow, stated)
    agree(uow, propose(uow))
    payout_channel.learn(ACCOUNT, active=True, uow=uow, now=NOW)
    held = uow.payouts.held[started.payout_id]
    held.state = "created"
    with pytest.raises(BankAccountChanged):
        release(uow, started)


def test_what_is_said_of_accounts_that_nobody_is_paid_to() -> None:
    uow = FakeBillingUnitOfWork()
    assert payout_channel.learn("acct_stranger", active=True, uow=uow, now=NOW) == "not_ours"
    proposed = propose(uow)
    assert payout_channel.learn(ACCOUNT, active=True, uow=uow, now=NOW) == "not_ours"
    agree(uow, proposed)
    assert payout_channel.learn(ACCOUNT, active=True, uow=uow, now=NOW) == "transfers_active"
    assert payout_channel.learn(ACCOUNT, active=False, uow=uow, now=NOW) == "transfers_inactive"


def test_released_is_asked_for_and_paid_by_the_institution() -> None:
    """D payable / C transit when it is released, D transit / C psp when it is made; told twice it counts once."""
    uow, released = by_transfer()
    assert released.state == "in_transit"
    (asked,) = uow.calls("create_transfer")
    assert asked == {
        "payout_id": str(released.payout_id), "account": ACCOUNT, "amount": 95_400, "currency": "CNY",
    }  # fmt: skip
    assert (uow.ledger.balance(PAYABLE), uow.ledger.balance(payout_transit(released.payout_id))) == (0, 95_400)
    for _ in range(2):
        assert learn(uow, released, facts()) == "paid"
    assert (uow.ledger.balance(PSP), uow.ledger.balance(BANK)) == (95_400 - 106_000, 0)
    assert uow.settlements.held[released.settlement_id].state == "paid"
    assert uow.payouts.held[released.payout_id].transfer_id == "tr_1"


def test_the_bank_has_no_part_in_it() -> None:
    """No bank order takes it, no line of the bank pays it, nobody fails it by hand."""
    uow, released = by_transfer()
    with pytest.raises(WrongState):
        order_of_bank(uow, released)
    assert bank_says(uow, "b1", "954.00", released.number).reason == "payout_by_institution"
    with pytest.raises(PaidByInstitution):
        payout.fail_payout(FailPayout(payout_id=released.payout_id, reason="x"), actor=FINANCE, uow=uow, now=LATER)
    assert uow.payouts.held[released.payout_id].state == "in_transit"


def test_refused_is_payable_again_once() -> None:
    """Too little balance is a normal answer: a person starts anew, under another key; the account is asked about."""
    uow, released = by_transfer()
    for _ in range(2):
        transfer.refused(released.payout_id, "balance_insufficient", uow=uow, now=LATER)
    (failed,) = uow.events(PayoutFailed)
    assert failed.reason == "balance_insufficient"
    assert uow.ledger.balance(PAYABLE) == 95_400
    assert {"object": "account", "id": ACCOUNT} in uow.calls("fetch_stripe_object")
    again = release(uow, start(uow, settlement.view(uow.settlements.get(released.settlement_id)), now=READY))
    assert [call["payout_id"] for call in uow.calls("create_transfer")] == [
        str(released.payout_id), str(again.payout_id),
    ]  # fmt: skip


def test_reversed_is_credited_once() -> None:
    """The whole of it came back: payable again, once. A part is a person's to explain, and books nothing."""
    uow, released = by_transfer()
    learn(uow, released, facts())
    assert learn(uow, released, facts(95_399)) == "partly_reversed"
    assert uow.ledger.balance(PAYABLE) == 0
    for _ in range(2):
        assert learn(uow, released, facts(95_400)) == "returned"
    assert uow.ledger.balance(PAYABLE) == 95_400
    assert uow.ledger.balance(PSP) == -106_000
    assert len(uow.events(PayoutReturned)) == 1
    assert uow.settlements.held[released.settlement_id].state == "payable"


def test_reversed_before_it_was_told_as_made() -> None:
    """The webhook of the reversal is quicker than the answer: paid and back in one step."""
    uow, released = by_transfer()
    assert learn(uow, released, facts(95_400)) == "returned"
    assert (uow.ledger.balance(PAYABLE), uow.ledger.balance(PSP)) == (95_400, -106_000)


def test_made_after_it_was_given_up_is_taken_back() -> None:
    """Two callers, of whom one was refused: the settlement is payable again, so the transfer must not stay."""
    uow, released = by_transfer()
    transfer.refused(released.payout_id, "balance_insufficient", uow=uow, now=LATER)
    for _ in range(2):
        assert learn(uow, released, facts()) == "made_too_late"
    (asked,) = uow.calls("reverse_transfer")
    assert (asked["transfer_id"], asked["amount"]) == ("tr_1", 95_400)
    assert learn(uow, released, facts(95_400)) == "failed"
    assert uow.ledger.balance(PAYABLE) == 95_400


def test_what_is_left_of_a_transfer_that_was_given_up_is_taken_back() -> None:
    """Somebody has reversed a part by hand: the party keeps nothing of what it is paid anew."""
    uow, released = by_transfer()
    transfer.refused(released.payout_id, "balance_insufficient", uow=uow, now=LATER)
    assert learn(uow, released, facts(400)) == "made_too_late"
    (asked,) = uow.calls("reverse_transfer")
    assert (asked["transfer_id"], asked["amount"]) == ("tr_1", 95_000)
    assert learn(uow, released, facts(95_400)) == "failed"
    assert len(uow.calls("reverse_transfer")) == 1


def test_transfers_that_are_not_ours() -> None:
    """By hand in the dashboard, of a bank's payout, of another amount or account: nothing is booked."""
    uow, released = by_transfer()
    assert transfer.learn(None, facts(), uow=uow, now=LATER) == "not_ours"
    assert transfer.learn(new_id(), facts(), uow=uow, now=LATER) == "not_ours"
    assert learn(uow, released, facts(money=cny(95_401))) == "differs"
    assert learn(uow, released, facts(account_id="acct_other")) == "differs"
    by_bank, stated = payable()
    started = start(by_bank, stated)
    assert transfer.learn(started.payout_id, facts(), uow=by_bank, now=LATER) == "not_ours"
    assert uow.payouts.held[released.payout_id].state == "in_transit"


def test_looks_at_a_transfer_until_it_has_long_been_paid() -> None:
    uow, released = by_transfer()
    assert uow.timers[transfer.CHECK_TIMER, f"{released.payout_id}/0"]
    transfer.check_transfer(f"{released.payout_id}/0", uow=uow, now=LATER)
    assert {"object": "transfer", "id": "tr_1"} not in uow.calls("fetch_stripe_object")
    learn(uow, released, facts())
    transfer.check_transfer(f"{released.payout_id}/1", uow=uow, now=LATER)
    assert {"object": "transfer", "id": "tr_1"} in uow.calls("fetch_stripe_object")
    timers = dict(uow.timers)
    transfer.check_transfer(f"{released.payout_id}/8", uow=uow, now=LATER)
    assert uow.timers == timers
