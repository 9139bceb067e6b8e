"""Payouts: the transfer that pays a settlement. One starts it, another releases it, bank or institution pays it."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import Command, Event, Instant, Page, Query, View
from services.shared.messages.billing.commission_plan import FINANCE
from services.shared.messages.billing.payout_channel import PayoutWay
from services.shared.messages.billing.settlement import PartyKind

PayoutState = Literal["created", "released", "in_transit", "paid", "failed", "returned", "cancelled"]

_READERS: Grants = {
    "provider": frozenset({"provider_finance", "lab_manager"}),
    "station": frozenset({"station_manager"}),
    **FINANCE,
}


class PayoutView(View):
    """
    *number* goes into the transfer's remittance text: by it the bank's statement line finds the payout.

    Attributes:
        bank_status: What the bank last answered (ISO 20022: ACCP, ACSC, RJCT …); empty while unknown.
        failure: Why it failed or came back; empty otherwise.
        way: Who pays it. Where it is the institution, the account is the party's connected one there.
        transfer_id: The institution's transfer; empty while it is not made.
    """

    payout_id: UUID
    number: str
    state: PayoutState
    settlement_id: UUID
    party_kind: PartyKind
    party_id: UUID
    amount: Money
    account_name: str
    account_number: str
    bank_name: str
    created_at: Instant
    released_at: Instant | None
    paid_at: Instant | None
    bank_order_id: UUID | None
    bank_status: str
    failure: str
    way: PayoutWay
    transfer_id: str


class StartPayout(Command):
    """
    Needs a payable settlement whose hold period is over.

    The party's bank account must be its own, confirmed, and not have changed a short while ago. → PayoutView
    """

    wire_name: ClassVar = "billing.start_payout"
    grants: ClassVar[Grants] = FINANCE

    settlement_id: UUID


class ReleasePayout(Command):
    """
    By somebody else than who started it; it can go into a bank order. → PayoutView

    Where the payment institution pays it, it is asked at once.
    """

    wire_name: ClassVar = "billing.release_payout"
    grants: ClassVar[Grants] = FINANCE

    payout_id: UUID


class CancelPayout(Command):
    """While the bank has not been told; its settlement can be paid anew. → PayoutView"""

    wire_name: ClassVar = "billing.cancel_payout"
    grants: ClassVar[Grants] = FINANCE

    payout_id: UUID


class FailPayout(Command):
    """
    The bank did not pay it and answers by no file; by somebody else than who released it. → PayoutView

    Its settlement can be paid anew, so ask the bank first.
    """

    wire_name: ClassVar = "billing.fail_payout"
    grants: ClassVar[Grants] = FINANCE

    payout_id: UUID
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class GetPayout(Query):
    """→ PayoutView"""

    wire_name: ClassVar = "billing.get_payout"
    grants: ClassVar[Grants] = _READERS

    payout_id: UUID


class ListPayouts(Query):
    """→ PayoutPage, newest first"""

    wire_name: ClassVar = "billing.list_payouts"
    grants: ClassVar[Grants] = {
        "self": frozenset({"provider_finance", "lab_manager", "station_manager"}), **FINANCE,
    }  # fmt: skip

    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class PayoutPage(Page):
    items: tuple[PayoutView, ...]


class _PayoutEvent(Event):
    source: ClassVar = "billing"
    stream_of: ClassVar = ("settlement", "settlement_id")

    payout_id: UUID
    number: str
    settlement_id: UUID
    party_kind: PartyKind
    party_id: UUID
    amount: Money


class PayoutReleased(_PayoutEvent):
    """Two people want it paid; the bank is not told yet."""

    wire_name: ClassVar = "payout.released.v1"


class PayoutOrdered(_PayoutEvent):
    """The bank is told to pay."""

    wire_name: ClassVar = "payout.ordered.v1"

    bank_order_id: UUID


class PayoutCancelled(_PayoutEvent):
    """Before the bank was told; the settlement is payable anew."""

    wire_name: ClassVar = "payout.cancelled.v1"

    reason: Literal["account_changed", "claw_back", "by_hand"]


class PayoutFailed(_PayoutEvent):
    """The bank or the payment institution did not pay; the settlement is payable anew."""

    wire_name: ClassVar = "payout.failed.v1"

    reason: str


class PayoutReturned(_PayoutEvent):
    """It was paid and the money came back; the settlement is payable anew."""

    wire_name: ClassVar = "payout.returned.v1"

    returned_at: Instant


class PayoutPaid(_PayoutEvent):
    """The bank's statement shows it, or the payment institution has made its transfer."""

    wire_name: ClassVar = "payout.paid.v1"

    paid_at: Instant
