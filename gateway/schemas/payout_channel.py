"""By which way a party is paid."""

from uuid import UUID

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.messages.base import Instant, Name
from services.shared.messages.billing.payout_channel import (
    ConnectedAccount,
    PayoutChannelState,
    PayoutWay,
    Transfers,
)


class PayoutChannelToPropose(Schema):
    """*account_id*: the party's connected account at the payment institution; none for the bank."""

    party_id: UUID
    way: PayoutWay
    account_id: ConnectedAccount | None = None
    agreement: Name


class PayoutChannel(Shown):
    """*transfers*: whether the account may receive them, as the institution last said at *checked_at*."""

    payout_channel_id: UUID
    party_id: UUID
    way: PayoutWay
    account_id: str
    agreement: str
    state: PayoutChannelState
    proposed_at: Instant
    decided_at: Instant | None
    transfers: Transfers
    checked_at: Instant | None


class PayoutChannelPage(Shown):
    items: tuple[PayoutChannel, ...]
    next_cursor: str | None


class PayoutChannelsListed(Listed):
    party_id: UUID | None = None
    state: PayoutChannelState | None = None
