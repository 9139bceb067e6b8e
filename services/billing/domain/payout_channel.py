"""
A payout channel: by which way a party is paid, as agreed with it and seen by two. Without one it is the bank.

`stripe_transfer` pays to the party's connected account at the payment institution, from our balance there. Another way
or another account is guarded as another bank account is: nothing that was started goes on, and time is left for
somebody to object.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.billing.domain.organisation import OrganisationCopy, PartyKind
from services.billing.domain.payout import BankAccountUnconfirmed, PayoutWay, SameHands, account_to_pay
from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.lifecycle import Lifecycle

PayoutChannelState = Literal["proposed", "agreed", "refused", "ended"]
Transfers = Literal["unknown", "active", "inactive"]

INSTITUTION = "Stripe"

LIFECYCLE: Lifecycle[PayoutChannelState] = Lifecycle(
    "payout_channel",
    {
        "agree": {"proposed": "agreed"},
        "refuse": {"proposed": "refused"},
        "end": {"agreed": "ended"},
    },
)


class OnlyPayees(Invalid):
    """Only providers and stations are paid."""

    code = "billing.payout_channel_for_payees_only"


class ConnectedAccountMissing(Invalid):
    """A transfer goes to a connected account, which must be named; the bank needs none."""

    code = "billing.connected_account_missing"


class ConnectedAccountTaken(Conflict):
    """Another party is paid to this connected account."""

    code = "billing.connected_account_taken"


class PayoutChannelProposed(Conflict):
    """Another way for this party waits for a decision."""

    code = "billing.payout_channel_proposed"


class PayoutChannelNew(Conflict):
    """The way by which the party is paid changed a short while ago; time is left for somebody to object."""

    code = "billing.payout_channel_new"


class ConnectedAccountInactive(Conflict):
    """The payment institution does not let the party's connected account receive transfers now."""

    code = "billing.connected_account_inactive"


@dataclass
class PayoutChannel:
    """
    Attributes:
        account_id: The connected account (acct_…); empty for the bank.
        agreement: Where it was agreed with the party: a contract's number, a letter's.
        transfers: Whether the account may receive them, as the institution last said; asked anew after each change.
    """

    payout_channel_id: UUID
    party_id: UUID
    way: PayoutWay
    account_id: str
    agreement: str
    state: PayoutChannelState
    proposed_at: datetime
    proposed_by: str
    decided_at: datetime | None = None
    decided_by: str = ""
    transfers: Transfers = "unknown"
    checked_at: datetime | None = None
    version: int = 0

    def __post_init__(self) -> None:
        if (self.way == "stripe_transfer") != bool(self.account_id):
            raise ConnectedAccountMissing

    def agree(self, by: str, now: datetime) -> None:
        """Raises WrongState; SameHands: *by* proposed it."""
        state = LIFECYCLE.after("agree", self.state)
        if by == self.proposed_by:
            raise SameHands
        self.state, self.decided_by, self.decided_at = state, by, now

    def refuse(self, by: str, now: datetime) -> None:
        """By anybody, who proposed it too: it only takes risk away. Raises WrongState."""
        self.state, self.decided_by, self.decided_at = LIFECYCLE.after("refuse", self.state), by, now

    def end(self) -> None:
        """Another one is agreed. Raises WrongState."""
        self.state = LIFECYCLE.after("end", self.state)

    def learn(self, *, active: bool, now: datetime) -> None:
        """What the institution says of the account just now."""
        self.transfers, self.checked_at = "active" if active else "inactive", now


def payee_kind(kind: str) -> PartyKind | None:
    """*kind* of an organisation, where one of that kind is paid."""
    if kind == "provider":
        return "provider"
    return "station" if kind == "station" else None


def where_to_pay(
    party: OrganisationCopy, channel: PayoutChannel | None, now: datetime, cooling_off: timedelta
) -> tuple[PayoutWay, tuple[str, str, str]]:
    """
    By which way *party* may be paid now, and to which account: bank or institution, holder, number.

    *channel*: the one that is agreed, or none.

    Raises:
        PayoutChannelNew, ConnectedAccountInactive: See there.
        BankAccountUnconfirmed: Nobody has confirmed who the party is since its name or bank account changed.
        BankAccountUnknown, BankAccountNotOwn, BankAccountNew: See account_to_pay.
    """
    if channel is not None and channel.decided_at is not None and now < channel.decided_at + cooling_off:
        raise PayoutChannelNew(payable_from=(channel.decided_at + cooling_off).isoformat())
    if channel is None or channel.way == "bank":
        return "bank", account_to_pay(party, now, cooling_off)
    if not party.verified:
        raise BankAccountUnconfirmed
    if channel.transfers != "active":
        raise ConnectedAccountInactive
    return "stripe_transfer", (INSTITUTION, party.legal_name, channel.account_id)
