"""
Who collects the customer's money, and what each payment channel can do with it.

Collecting for others into one's own account is unlicensed clearing (二清): in agent mode the money goes to a payee that
a licensed institution knows, and the institution splits it. The figures are the published rules of a platform product
of the kind that WeChat Pay offers; a change of theirs is a change here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from services.shared.kernel.errors import Conflict
from services.shared.kernel.money import Money
from services.shared.kernel.payment_schedule import WHOLE_BPS

CollectionModel = Literal["principal_own_account", "agent_psp_split", "agent_bank_custody", "agent_direct"]
ChannelName = Literal["stripe", "bank_own_account", "platform_channel", "bank_custody"]


class OwnAccountInAgentMode(Conflict):
    """Money of an agent order may not go to the company's own account: that is unlicensed clearing."""

    code = "billing.agent_own_account"


class ChannelCannotSplit(Conflict):
    """This channel pays the company alone and splits nothing at source: no order in agent mode goes by it."""

    code = "billing.channel_cannot_split"


class ChannelOfOtherMode(Conflict):
    """This channel pays the provider: no order that the company sells itself goes by it."""

    code = "billing.channel_of_other_mode"


class SplitAboveLimit(Conflict):
    """The commission is more than the channel lets go to others than its payee."""

    code = "billing.split_above_limit"


class HoldTooLong(Conflict):
    """The channel pays its payee before the work would be accepted; cut the order into milestones."""

    code = "billing.hold_too_long"


@dataclass(frozen=True, slots=True)
class Channel:
    """
    What a channel can do.

    Attributes:
        payee: Whose money it is once it is paid.
        can_split: It shares a payment out at source.
        max_split_bps: Of a payment, what may go to others than the payee.
        hold_days: After so long what is not split goes to the payee; none: it is held as long as we say.
        split_return_days: So long after a split it can be returned; none: for ever.
        refund_days: So long after a payment it can be given back by the same way; none: for ever.
        fee_bearer: Whose money its fee is taken from.
    """

    name: ChannelName
    payee: Literal["company", "provider", "custodian"]
    can_split: bool
    max_split_bps: int
    hold_days: int | None
    split_return_days: int | None
    refund_days: int | None
    fee_bearer: Literal["company", "provider"]

    @property
    def for_agents(self) -> bool:
        """Whether money of an agent order may go by it."""
        return self.payee != "company" and self.can_split


CHANNELS: Mapping[ChannelName, Channel] = {
    each.name: each
    for each in (
        # Separate charges and transfers: the charge is the company's own money, a transfer is a payout.
        Channel("stripe", "company", False, 0, None, None, None, "company"),
        Channel("bank_own_account", "company", False, 0, None, None, None, "company"),
        Channel("platform_channel", "provider", True, 3_000, 180, 180, 365, "provider"),
        Channel("bank_custody", "custodian", True, WHOLE_BPS, None, None, None, "company"),
    )
}
PLATFORM = CHANNELS["platform_channel"]


def check_channel(model: CollectionModel, channel: ChannelName) -> None:
    """
    Refuse a channel by which the money of an order in *model* may not go.

    Raises:
        OwnAccountInAgentMode, ChannelCannotSplit: In agent mode.
        ChannelOfOtherMode: Where the company sells.
    """
    chosen = CHANNELS[channel]
    if model == "principal_own_account":
        if chosen.for_agents:
            raise ChannelOfOtherMode(channel=channel)
    elif channel == "bank_own_account":
        raise OwnAccountInAgentMode(channel=channel)
    elif not chosen.for_agents:
        raise ChannelCannotSplit(channel=channel)


def check_split(channel: ChannelName, commission: Money, paid: Money) -> None:
    """
    Refuse a *commission*, its VAT included, that the channel would not take out of what is *paid*.

    Raises:
        ChannelCannotSplit, SplitAboveLimit: See there.
        CurrencyMismatch: They are in two currencies.
    """
    chosen = CHANNELS[channel]
    if not chosen.can_split:
        raise ChannelCannotSplit(channel=channel)
    paid - commission  # refuses another currency
    if commission.amount * WHOLE_BPS > paid.amount * chosen.max_split_bps:
        raise SplitAboveLimit(channel=channel, max_split_bps=chosen.max_split_bps)


def check_hold(channel: ChannelName, expected_days: int) -> None:
    """
    Refuse an order whose money would be held for longer than the channel does.

    *expected_days*: from payment until the work is accepted and its time for objections is over.

    Raises:
        HoldTooLong: See there.
    """
    hold_days = CHANNELS[channel].hold_days
    if hold_days is not None and expected_days > hold_days:
        raise HoldTooLong(channel=channel, hold_days=hold_days)
