"""A referral: a station brought a customer. The first to say so, with evidence, is protected for a time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.billing.domain.organisation import OrganisationCopy
from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.lifecycle import Lifecycle

ReferralState = Literal["claimed", "confirmed", "refused"]

LIFECYCLE: Lifecycle[ReferralState] = Lifecycle(
    "referral", {"confirm": {"claimed": "confirmed"}, "refuse": {"claimed": "refused"}}
)


class SelfReferral(Invalid):
    """A station cannot bring itself, nor a firm that is legally the same."""

    code = "billing.self_referral"


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


@dataclass
class Referral:
    """*protected_from* and *protected_until* are set when it is confirmed."""

    referral_id: UUID
    station_id: UUID
    customer_id: UUID
    state: ReferralState
    evidence: str
    claimed_at: datetime
    protected_from: datetime | None = None
    protected_until: datetime | None = None
    reason: str = ""
    version: int = 0

    def confirm(self, reason: str, protection: timedelta) -> None:
        """Protect it from the claim on: the first touch counts, not how long the decision took."""
        self.state = LIFECYCLE.after("confirm", self.state)
        self.reason = reason
        self.protected_from = self.claimed_at
        self.protected_until = self.claimed_at + protection

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


def check_claim(station: OrganisationCopy, customer: OrganisationCopy) -> None:
    """Raises SelfReferral, NotACustomer."""
    same_code = (
        station.unified_social_credit_code.strip().upper() == customer.unified_social_credit_code.strip().upper()
    )
    if station.organisation_id == customer.organisation_id or same_code:
        raise SelfReferral
    if customer.kind != "customer":
        raise NotACustomer
