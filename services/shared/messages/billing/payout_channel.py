"""Payout channels: by which way a party is paid, as agreed with it and seen by two."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Command, Event, Instant, Name, Page, Query, View
from services.shared.messages.billing.commission_plan import FINANCE
from services.shared.messages.billing.settlement import PartyKind

PayoutWay = Literal["bank", "stripe_transfer"]
PayoutChannelState = Literal["proposed", "agreed", "refused", "ended"]
Transfers = Literal["unknown", "active", "inactive"]

ConnectedAccount = Annotated[str, StringConstraints(pattern=r"^acct_[A-Za-z0-9]{6,60}$")]


class PayoutChannelView(View):
    """
    Attributes:
        account_id: The party's connected account at the payment institution; empty for the bank.
        agreement: Where it was agreed with the party.
        transfers: Whether the account may receive them, as the institution last said at *checked_at*.
    """

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


class ProposePayoutChannel(Command):
    """Another way or another connected account for a party; it holds once another approves it. → PayoutChannelView"""

    wire_name: ClassVar = "billing.propose_payout_channel"
    grants: ClassVar[Grants] = {
        "provider": frozenset({"provider_finance"}),
        "station": frozenset({"station_manager"}),
        **FINANCE,
    }

    party_id: UUID
    way: PayoutWay
    account_id: ConnectedAccount | None = None
    agreement: Name


class AgreePayoutChannel(Command):
    """
    By somebody else than who proposed it. Payouts that were started are cancelled. → PayoutChannelView

    Nothing is paid by it before the institution has said that the account may receive, nor for a while after.
    """

    wire_name: ClassVar = "billing.agree_payout_channel"
    grants: ClassVar[Grants] = FINANCE

    payout_channel_id: UUID


class RefusePayoutChannel(Command):
    """By anybody of finance, who proposed it too. → PayoutChannelView"""

    wire_name: ClassVar = "billing.refuse_payout_channel"
    grants: ClassVar[Grants] = FINANCE

    payout_channel_id: UUID


class ListPayoutChannels(Query):
    """A party's own; all for the operating company's finance; newest first. → PayoutChannelPage"""

    wire_name: ClassVar = "billing.list_payout_channels"
    grants: ClassVar[Grants] = {
        "self": frozenset({"provider_finance", "lab_manager", "station_manager"}), **FINANCE,
    }  # fmt: skip

    party_id: UUID | None = None
    state: PayoutChannelState | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class PayoutChannelPage(Page):
    items: tuple[PayoutChannelView, ...]


class PayoutChannelAgreed(Event):
    """A party is paid by another way, or to another connected account, from the end of the cooling-off time on."""

    wire_name: ClassVar = "payout_channel.agreed.v1"
    source: ClassVar = "billing"
    stream_of: ClassVar = ("payout_channel", "payout_channel_id")

    payout_channel_id: UUID
    party_kind: PartyKind
    party_id: UUID
    way: PayoutWay
    account_id: str
    agreed_at: Instant
