"""Payouts: the transfer that pays a settlement. One person starts it, another releases it."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import Command, Event, Instant, Page, Query, View
from services.shared.messages.billing.commission_plan import FINANCE
from services.shared.messages.billing.settlement import PartyKind

PayoutState = Literal["created", "in_transit", "paid", "failed", "cancelled"]

_READERS: Grants = {
    "provider": frozenset({"provider_finance", "lab_manager"}),
    "station": frozenset({"station_manager"}),
    **FINANCE,
}


class PayoutView(View):
    """*number* goes into the transfer's remittance text: by it the bank's statement line finds the payout."""

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


class StartPayout(Command):
    """Needs a payable settlement whose hold period is over. → PayoutView"""

    wire_name: ClassVar = "billing.start_payout"
    grants: ClassVar[Grants] = FINANCE

    settlement_id: UUID


class ReleasePayout(Command):
    """By somebody else than who started it; the order to the bank is written. → PayoutView"""

    wire_name: ClassVar = "billing.release_payout"
    grants: ClassVar[Grants] = FINANCE

    payout_id: UUID


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
    """The bank has been told to pay."""

    wire_name: ClassVar = "payout.released.v1"


class PayoutPaid(_PayoutEvent):
    """The bank's statement shows it."""

    wire_name: ClassVar = "payout.paid.v1"

    paid_at: Instant
