"""A referral: a station brought a customer. The first to say so, with evidence, is protected for a time."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from services.billing.domain.organisation import OrganisationCopy
from services.billing.domain.related_party import DeclaredRelation, controlled
from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.times import business_date

MediaType = Literal["application/pdf", "image/png", "image/jpeg"]

ReferralState = Literal["claimed", "confirmed", "refused", "revoked"]

LIFECYCLE: Lifecycle[ReferralState] = Lifecycle(
    "referral",
    {
        "attach": {"claimed": "claimed"},
        "confirm": {"claimed": "confirmed"},
        "refuse": {"claimed": "refused"},
        "revoke": {"confirmed": "revoked"},
    },
)


class SelfReferral(Invalid):
    """A station cannot bring itself, nor a firm that is legally the same."""

    code = "billing.self_referral"


class RelatedParties(Invalid):
    """One of them controls the other, or a third both: nobody is brought by its own hands."""

    code = "billing.referral_between_related_parties"


class TouchInFuture(Invalid):
    """The first contact lies behind who claims it."""

    code = "billing.first_touch_in_future"


class EvidenceAwaited(Conflict):
    """The file that proves it was declared and is not here."""

    code = "billing.referral_evidence_awaited"


class NoEvidenceDeclared(Conflict):
    """No file was declared with this claim, or it is kept already."""

    code = "billing.referral_without_file"


class NotInForce(Conflict):
    """Its time is over."""

    code = "billing.referral_not_in_force"


class NotACustomer(Invalid):
    """Only customers are brought."""

    code = "billing.not_a_customer"


class AlreadyClaimed(Conflict):
    """The station has claimed this customer and the claim is open."""

    code = "billing.referral_already_claimed"


class AlreadyProtected(Conflict):
    """Another station's referral of this customer is in force."""

    code = "billing.customer_already_referred"


class EarlierClaimOpen(Conflict):
    """Somebody claimed this customer earlier; that claim is decided first."""

    code = "billing.earlier_claim_open"


class ReasonRequired(Invalid):
    """Whoever is refused is told why."""

    code = "billing.reason_required"


@dataclass(frozen=True)
class EvidenceFile:
    """
    A file that proves a claim, as its sender declared it.

    Attributes:
        key: In the records bucket, once what was uploaded is that file.
        problem: Why the last upload was not; empty when it was, or none came.
        attempts: How often it was said to be uploaded.
    """

    sha256: str
    size_bytes: int
    media_type: MediaType
    key: str | None = None
    problem: str = ""
    attempts: int = 0


@dataclass
class Referral:
    """
    Attributes:
        evidence: What happened, in words.
        touched_on: Day of the first contact, as the station says.
        file: What proves it; none: words only.
        claimed_at: When the claim was made: that is the first touch that counts.
        protected_from, protected_until: Set when it is confirmed; revoked, it protects no longer than until then.
    """

    referral_id: UUID
    station_id: UUID
    customer_id: UUID
    state: ReferralState
    evidence: str
    touched_on: date
    claimed_at: datetime
    file: EvidenceFile | None = None
    protected_from: datetime | None = None
    protected_until: datetime | None = None
    reason: str = ""
    version: int = 0

    @property
    def upload_key(self) -> str:
        return f"referrals/{self.referral_id}"

    @property
    def record_key(self) -> str:
        return f"referrals/{self.referral_id}/evidence"

    def submit_file(self) -> EvidenceFile:
        """It is uploaded, the station says; to be looked at. Raises WrongState, NoEvidenceDeclared."""
        self.state = LIFECYCLE.after("attach", self.state)
        if self.file is None or self.file.key is not None:
            raise NoEvidenceDeclared
        self.file = replace(self.file, problem="", attempts=self.file.attempts + 1)
        return self.file

    def file_looked_at(self, *, kept: bool, problem: str = "") -> None:
        """What was uploaded is the declared file and kept, or is not for *problem*."""
        if self.file is not None and self.file.key is None:
            self.file = replace(self.file, key=self.record_key if kept else None, problem=problem)

    def confirm(self, reason: str, protection: timedelta) -> None:
        """
        Protect it from the claim on: the first touch counts, not how long the decision took.

        Raises:
            WrongState: It is decided.
            EvidenceAwaited: Its file is not here.
        """
        self.state = LIFECYCLE.after("confirm", self.state)
        if self.file is not None and self.file.key is None:
            raise EvidenceAwaited
        self.reason = reason
        self.protected_from = self.claimed_at
        self.protected_until = self.claimed_at + protection

    def revoke(self, reason: str, now: datetime) -> datetime:
        """
        It was not as it seemed: orders placed from *now* on earn nothing. Returns until when it protected.

        Raises:
            WrongState, ReasonRequired
            NotInForce: It protects no longer anyway.
        """
        self.state = LIFECYCLE.after("revoke", self.state)
        if not reason:
            raise ReasonRequired
        if self.protected_until is None or self.protected_until <= now:
            raise NotInForce
        self.reason, self.protected_until = reason, now
        return now

    def refuse(self, reason: str) -> None:
        """Raises ReasonRequired, WrongState."""
        self.state = LIFECYCLE.after("refuse", self.state)
        if not reason:
            raise ReasonRequired
        self.reason = reason

    def overlaps(self, other: "Referral") -> bool:
        """Whether both protect the same customer at some instant; only confirmed ones do."""
        if None in {self.protected_from, self.protected_until, other.protected_from, other.protected_until}:
            return False
        return bool(self.protected_from < other.protected_until and other.protected_from < self.protected_until)  # type: ignore[operator] # none of them is none


def check_claim(station: OrganisationCopy, customer: OrganisationCopy, relations: Iterable[DeclaredRelation]) -> None:
    """Raises SelfReferral, RelatedParties, NotACustomer."""
    same_code = (
        station.unified_social_credit_code.strip().upper() == customer.unified_social_credit_code.strip().upper()
    )
    if station.organisation_id == customer.organisation_id or same_code:
        raise SelfReferral
    if customer.kind != "customer":
        raise NotACustomer
    if controlled(station.organisation_id, customer.organisation_id, relations):
        raise RelatedParties


def checked_touch(touched_on: date | None, now: datetime) -> date:
    """The day of the first contact; today where it is not said. Raises TouchInFuture."""
    today = business_date(now)
    if touched_on is not None and touched_on > today:
        raise TouchInFuture
    return touched_on or today
