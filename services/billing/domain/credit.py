"""
Credit: a customer's line, agreed by two, and the part of an order's price that goes on it.

What a line has given is what is granted to orders that are not accepted, and what is accepted and not paid.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from services.shared.kernel.errors import Conflict, Invalid, NotAllowed
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money

CreditLineState = Literal["proposed", "active", "suspended"]
CreditState = Literal["granted", "refused", "due", "released"]
CreditRefusal = Literal["no_line", "suspended", "expired", "overdue", "limit_exceeded"]

LINE: Lifecycle[CreditLineState] = Lifecycle(
    "credit_line",
    {
        "approve": {"proposed": "active", "active": "active", "suspended": "active"},
        "suspend": {"active": "suspended"},
    },
)
CREDIT: Lifecycle[CreditState] = Lifecycle(
    "credit",
    {
        # the work is accepted: what was a promise is a claim now
        "fall_due": {"granted": "due"},
        # the order costs less
        "lower": {"granted": "granted"},
        # the order is cancelled
        "release": {"granted": "released"},
    },
)


# Nothing new is granted to a customer of which something has been overdue for so many days.
BLOCK_OVERDUE_DAYS = 1


class NoSuchProposal(Conflict):
    """This proposal is not the one that waits for approval."""

    code = "billing.credit_proposal_changed"


class SameHands(NotAllowed):
    """Who proposed credit terms does not approve them."""

    code = "billing.credit_four_eyes_required"


class OnlyCustomers(Invalid):
    """Credit is for customers."""

    code = "billing.credit_for_customers_only"


class AlreadyOver(Invalid):
    """The line would have ended before it begins."""

    code = "billing.credit_line_over"


@dataclass(frozen=True)
class CreditTerms:
    """*limit* in minor units of the line's currency; *valid_until*: the last day of new credit (Asia/Shanghai)."""

    limit: int
    net_days: int
    before_work_bps: int
    valid_until: date


@dataclass(frozen=True)
class CreditProposal:
    proposal_id: UUID
    terms: CreditTerms
    by: str
    at: datetime


@dataclass(frozen=True)
class Exposure:
    """
    What a customer owes or will owe, in minor units of the line's currency.

    Attributes:
        granted: To orders whose work is not accepted yet.
        receivable: Accepted and not paid.
        overdue: The part of *receivable* whose day is over.
        blocking: The part of *overdue* whose day is over for so long that nothing new is granted.
    """

    granted: int = 0
    receivable: int = 0
    overdue: int = 0
    blocking: int = 0

    @property
    def used(self) -> int:
        return self.granted + self.receivable


@dataclass
class CreditLine:
    """
    One per customer and currency.

    Attributes:
        terms: Those in force; none before the first were approved.
        proposal: What waits for a second pair of eyes.
        approved_by: Whose eyes approved *terms*.
    """

    credit_line_id: UUID
    customer_id: UUID
    currency: str
    state: CreditLineState
    created_at: datetime
    terms: CreditTerms | None = None
    proposal: CreditProposal | None = None
    approved_by: str = ""
    approved_at: datetime | None = None
    suspended_for: str = ""
    version: int = 0

    def propose(self, proposal: CreditProposal, today: date) -> None:
        """Replaces what was proposed before. Raises AlreadyOver."""
        if proposal.terms.valid_until < today:
            raise AlreadyOver
        self.proposal = proposal

    def approve(self, proposal_id: UUID, by: str, now: datetime) -> CreditTerms:
        """
        The second pair of eyes: the proposed terms hold from now on.

        Raises:
            NoSuchProposal: Nothing is proposed, or something else is.
            SameHands: *by* proposed it.
        """
        proposal = self.proposal
        if proposal is None or proposal.proposal_id != proposal_id:
            raise NoSuchProposal
        if proposal.by == by:
            raise SameHands
        self.state = LINE.after("approve", self.state)
        self.terms, self.proposal = proposal.terms, None
        self.approved_by, self.approved_at, self.suspended_for = by, now, ""
        return proposal.terms

    def suspend(self, reason: str) -> None:
        """Nothing new is granted; what is granted stays. Raises WrongState."""
        self.state = LINE.after("suspend", self.state)
        self.suspended_for = reason

    def available(self, exposure: Exposure, today: date) -> int:
        """What the next order may take."""
        if self.terms is None or self.refusal(0, exposure, today) is not None:
            return 0
        return max(0, self.terms.limit - exposure.used)

    def refusal(self, amount: int, exposure: Exposure, today: date) -> CreditRefusal | None:
        """Why *amount* is not granted, the plainest reason first; none: it is."""
        if self.terms is None:
            return "no_line"
        if self.state != "active":
            return "suspended"
        if today > self.terms.valid_until:
            return "expired"
        if exposure.blocking:
            return "overdue"
        return "limit_exceeded" if exposure.used + amount > self.terms.limit else None


@dataclass
class Credit:
    """What was decided on one order. *amount*: the part of its price that was to go on credit, minor units."""

    credit_id: UUID
    order_id: UUID
    order_number: str
    customer_id: UUID
    credit_line_id: UUID | None
    currency: str
    amount: int
    state: CreditState
    reason: str
    decided_at: datetime

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    def fall_due(self) -> None:
        """Raises WrongState."""
        self.state = CREDIT.after("fall_due", self.state)

    def lower(self, amount: int) -> None:
        """*amount* of it is not needed: the order costs less. Raises WrongState."""
        self.state = CREDIT.after("lower", self.state)
        self.amount -= amount

    def release(self) -> None:
        """Raises WrongState."""
        self.state = CREDIT.after("release", self.state)
