"""Payout channels: proposed by one, agreed by another; learning whether a connected account may receive."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog

from services.billing.domain.payout_channel import ConnectedAccountTaken, OnlyPayees, PayoutChannel, payee_kind
from services.billing.use_cases.payout import cancel_started
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import new_id
from services.shared.kernel.times import business_date
from services.shared.messages.billing.payout_channel import (
    AgreePayoutChannel,
    PayoutChannelAgreed,
    PayoutChannelView,
    ProposePayoutChannel,
    RefusePayoutChannel,
)

log = structlog.get_logger("payout_channel")

CHECK_TIMER = "check_connected_account"
CHECK_EVERY = timedelta(days=1)


def propose_payout_channel(
    command: ProposePayoutChannel, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> PayoutChannelView:
    """
    Write down another way for another person to approve; it changes nothing yet.

    Raises:
        NotFound: There is no such organisation.
        OnlyPayees: It is neither provider nor station.
        ConnectedAccountMissing: See PayoutChannel.
        PayoutChannelProposed: One waits already.
    """
    party = uow.organisations.find(command.party_id)
    kind = payee_kind(party.kind) if party is not None else None
    require(actor, command.grants, {kind: command.party_id} if kind is not None else {})
    if party is None:
        raise NotFound
    if kind is None:
        raise OnlyPayees
    channel = PayoutChannel(
        payout_channel_id=new_id(),
        party_id=command.party_id,
        way=command.way,
        account_id=command.account_id or "",
        agreement=command.agreement,
        state="proposed",
        proposed_at=now,
        proposed_by=hand_of(actor),
    )
    uow.payout_channels.add(channel)
    return view(channel)


def agree_payout_channel(
    command: AgreePayoutChannel, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> PayoutChannelView:
    """
    The party is paid so from now on; a payout of which nobody was told yet is cancelled.

    Raises:
        WrongState, SameHands: See PayoutChannel.agree.
        ConnectedAccountTaken: Another party is paid to it.
    """
    require(actor, command.grants, {})
    channel = _locked(command.payout_channel_id, uow)
    party = uow.organisations.find(channel.party_id)
    if party is None or (kind := payee_kind(party.kind)) is None:
        raise OnlyPayees
    channel.agree(hand_of(actor), now)
    other = uow.payout_channels.using(channel.account_id) if channel.account_id else None
    if other is not None and other.party_id != channel.party_id:
        raise ConnectedAccountTaken
    before = uow.payout_channels.agreed_of(channel.party_id)
    if before is not None:
        before.end()
        uow.payout_channels.save(before)
    uow.payout_channels.save(channel)
    cancel_started(channel.party_id, "account_changed", uow=uow, now=now)
    if channel.account_id:
        _ask(channel, "agreed", uow)
        uow.set_timer(CHECK_TIMER, channel.payout_channel_id, now + CHECK_EVERY)
    uow.publish(
        PayoutChannelAgreed(
            payout_channel_id=channel.payout_channel_id,
            party_kind=kind,
            party_id=channel.party_id,
            way=channel.way,
            account_id=channel.account_id,
            agreed_at=now,
        )
    )
    return view(channel)


def refuse_payout_channel(
    command: RefusePayoutChannel, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> PayoutChannelView:
    """Raises WrongState."""
    require(actor, command.grants, {})
    channel = _locked(command.payout_channel_id, uow)
    channel.refuse(hand_of(actor), now)
    uow.payout_channels.save(channel)
    return view(channel)


def learn(account_id: str, *, active: bool, uow: BillingUnitOfWork, now: datetime) -> str:
    """
    Whether a connected account may receive transfers, as the institution says just now.

    Returns:
        What came of it, a word for the record.
    """
    channel = uow.payout_channels.using(account_id)
    if channel is None:
        return "not_ours"
    if channel.transfers == "active" and not active:
        log.warning("a party's connected account may not receive any more", party=str(channel.party_id))
    channel.learn(active=active, now=now)
    uow.payout_channels.save(channel)
    return f"transfers_{channel.transfers}"


def check_connected_account(subject: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Timer: a webhook may be lost for ever, so every account that is paid to is asked about once a day."""
    channel = _locked(UUID(subject), uow)
    if channel.state == "agreed":
        _ask(channel, business_date(now).isoformat(), uow)
        uow.set_timer(CHECK_TIMER, subject, now + CHECK_EVERY)


def _ask(channel: PayoutChannel, why: str, uow: BillingUnitOfWork) -> None:
    uow.call_outside(
        "fetch_stripe_object",
        f"payout_channel:{channel.payout_channel_id}:{why}",
        {"object": "account", "id": channel.account_id},
    )


def _locked(payout_channel_id: UUID, uow: BillingUnitOfWork) -> PayoutChannel:
    """The party before it, like everywhere."""
    uow.organisations.find(uow.payout_channels.party_of(payout_channel_id), lock=True)
    return uow.payout_channels.get(payout_channel_id)


def view(channel: PayoutChannel) -> PayoutChannelView:
    return PayoutChannelView(
        payout_channel_id=channel.payout_channel_id,
        party_id=channel.party_id,
        way=channel.way,
        account_id=channel.account_id,
        agreement=channel.agreement,
        state=channel.state,
        proposed_at=channel.proposed_at,
        decided_at=channel.decided_at,
        transfers=channel.transfers,
        checked_at=channel.checked_at,
    )
