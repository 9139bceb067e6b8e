"""Referrals: a station brought this customer, with evidence; first touch counts for a protected time."""

from typing import ClassVar, Literal
from uuid import UUID

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Command, Event, Instant, Name, Page, Query, Text, View
from services.shared.messages.billing.commission_plan import FINANCE

ReferralState = Literal["claimed", "confirmed", "refused"]


class ReferralView(View):
    referral_id: UUID
    station_id: UUID
    customer_id: UUID
    state: ReferralState
    evidence: str
    claimed_at: Instant
    protected_until: Instant | None
    reason: str


class ClaimReferral(Command):
    """A station says that it brought a customer. Never itself, nor a firm with its own credit code. → ReferralView"""

    wire_name: ClassVar = "billing.claim_referral"
    grants: ClassVar[Grants] = {"self": frozenset({"station_manager"})}

    customer_id: UUID
    evidence: Name


class DecideReferral(Command):
    """The operating company confirms or refuses; one confirmed station per customer at a time. → ReferralView"""

    wire_name: ClassVar = "billing.decide_referral"
    grants: ClassVar[Grants] = FINANCE

    referral_id: UUID
    decision: Literal["confirm", "refuse"]
    reason: Text = ""


class ListReferrals(Query):
    """A station's own; all for the operating company. → ReferralPage, newest first"""

    wire_name: ClassVar = "billing.list_referrals"
    grants: ClassVar[Grants] = {"self": frozenset({"station_manager"}), **FINANCE}


class ReferralPage(Page):
    items: tuple[ReferralView, ...]


class ReferralConfirmed(Event):
    """Orders of this customer that are placed before *protected_until* earn the station its share."""

    wire_name: ClassVar = "referral.confirmed.v1"
    source: ClassVar = "billing"
    stream_of: ClassVar = ("customer", "customer_id")

    referral_id: UUID
    customer_id: UUID
    station_id: UUID
    protected_from: Instant
    protected_until: Instant
