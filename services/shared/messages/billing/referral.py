"""Referrals: a station brought this customer, with evidence; first touch counts for a protected time."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Command, Event, Instant, Message, Name, Page, Query, Sha256, Text, View
from services.shared.messages.billing.commission_plan import FINANCE

ReferralState = Literal["claimed", "confirmed", "refused", "revoked", "expired"]
EvidenceState = Literal["none", "awaited", "kept"]

STATION: Grants = {"station": frozenset({"station_manager"})}
FILE_BYTES_MAX = 20 * 1024 * 1024


class EvidenceFile(Message):
    """A file that proves a claim: what it is before it is uploaded."""

    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=1, le=FILE_BYTES_MAX)]
    media_type: Literal["application/pdf", "image/png", "image/jpeg"]


class ReferralView(View):
    """
    Attributes:
        state: `expired`: confirmed, and its time is over.
        evidence: What happened, in words.
        touched_on: Day of the first contact, as the station says.
        evidence_file: Whether a file proves it.
        evidence_problem: Why what was uploaded is not the declared file; empty when nothing is wrong.
        upload_url: Where to PUT the declared file, for 15 minutes; only in the answer to the claim.
        reason: Of the decision.
    """

    referral_id: UUID
    station_id: UUID
    customer_id: UUID
    state: ReferralState
    evidence: str
    claimed_at: Instant
    protected_until: Instant | None
    reason: str
    touched_on: date | None = None
    evidence_file: EvidenceState = "none"
    evidence_problem: str = ""
    upload_url: str | None = None


class ReferralCase(View):
    """
    What a decision needs.

    Attributes:
        rivals: Other stations' referrals of this customer, first claim first; for the operating company only.
        customer_since: When the customer's first contract was signed, whoever brought it; likewise.
    """

    referral: ReferralView
    rivals: tuple[ReferralView, ...]
    customer_since: Instant | None


class EvidenceDocument(View):
    """*url*: where the file may be fetched for five minutes."""

    url: str
    sha256: str
    size_bytes: int


class ClaimReferral(Command):
    """
    A station says that it brought a customer. Never itself, nor a firm with its own credit code or in the same hands.

    → ReferralView

    Attributes:
        touched_on: Day of the first contact (Asia/Shanghai), not in the future; none: today.
        file: What proves it; to be uploaded where the answer says.
    """

    wire_name: ClassVar = "billing.claim_referral"
    grants: ClassVar[Grants] = {"self": frozenset({"station_manager"})}

    customer_id: UUID
    evidence: Name
    touched_on: date | None = None
    file: EvidenceFile | None = None


class SubmitReferralEvidence(Command):
    """The declared file is uploaded: it is looked at and kept for ever. → ReferralView"""

    wire_name: ClassVar = "billing.submit_referral_evidence"
    grants: ClassVar[Grants] = STATION

    referral_id: UUID


class DecideReferral(Command):
    """
    The operating company confirms or refuses; one confirmed station per customer at a time. → ReferralView

    Attributes:
        refuse_others: With a confirmation: the other open claims on this customer are refused with the same reason,
            also those that were made earlier.
        reason: Required with a refusal, and with *refuse_others*.
    """

    wire_name: ClassVar = "billing.decide_referral"
    grants: ClassVar[Grants] = FINANCE

    referral_id: UUID
    decision: Literal["confirm", "refuse"]
    refuse_others: bool = False
    reason: Text = ""


class RevokeReferral(Command):
    """It was not as it seemed: orders placed from now on earn the station nothing. → ReferralView"""

    wire_name: ClassVar = "billing.revoke_referral"
    grants: ClassVar[Grants] = FINANCE

    referral_id: UUID
    reason: Name


class GetReferral(Query):
    """→ ReferralCase"""

    wire_name: ClassVar = "billing.get_referral"
    grants: ClassVar[Grants] = {**STATION, **FINANCE}

    referral_id: UUID


class GetReferralEvidence(Query):
    """The file that proves it. → EvidenceDocument"""

    wire_name: ClassVar = "billing.get_referral_evidence"
    grants: ClassVar[Grants] = {**STATION, **FINANCE}

    referral_id: UUID


class ListReferrals(Query):
    """A station's own; all for the operating company. → ReferralPage, newest first"""

    wire_name: ClassVar = "billing.list_referrals"
    grants: ClassVar[Grants] = {"self": frozenset({"station_manager"}), **FINANCE}

    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 200


class ReferralPage(Page):
    items: tuple[ReferralView, ...]


class _ReferralEvent(Event):
    source: ClassVar = "billing"
    stream_of: ClassVar = ("customer", "customer_id")

    referral_id: UUID
    customer_id: UUID
    station_id: UUID


class ReferralConfirmed(_ReferralEvent):
    """Orders of this customer that are placed before *protected_until* earn the station its share."""

    wire_name: ClassVar = "referral.confirmed.v1"

    protected_from: Instant
    protected_until: Instant


class ReferralRefused(_ReferralEvent):
    """The operating company does not find that the station brought this customer."""

    wire_name: ClassVar = "referral.refused.v1"

    reason: str


class ReferralRevoked(_ReferralEvent):
    """Orders placed from *protected_until* on earn nothing."""

    wire_name: ClassVar = "referral.revoked.v1"

    protected_until: Instant
    reason: str
