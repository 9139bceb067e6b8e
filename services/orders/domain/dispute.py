"""A dispute: the customer objects to what was delivered; somebody decides, and the money follows."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.shared.kernel.errors import Conflict, Invalid, NotFound
from services.shared.kernel.lifecycle import Lifecycle, WrongState
from services.shared.kernel.money import Money

DisputeState = Literal["opened", "answered", "decided", "executed", "withdrawn"]
DisputeReason = Literal["result_wrong", "not_as_agreed", "late", "sample_damaged", "other"]
Outcome = Literal["rejected", "retest", "refund"]
Burden = Literal["provider", "company"]
StationBase = Literal["remaining", "original"]
Party = Literal["customer", "provider", "operator"]
EvidenceState = Literal["declared", "checking", "kept", "refused"]

LIFECYCLE: Lifecycle[DisputeState] = Lifecycle(
    "dispute",
    {
        "answer": {"opened": "answered", "answered": "answered"},
        "decide": {"opened": "decided", "answered": "decided"},
        "withdraw": {"opened": "withdrawn", "answered": "withdrawn"},
        # what was decided is done: the refund has arrived
        "execute": {"decided": "executed"},
        # No change of state: when something may be said or put forward.
        "speak": {"opened": "opened", "answered": "answered"},
    },
)

EVIDENCE_MAX = 20
COMMENTS_MAX = 200


class ObjectionTooLate(Conflict):
    """The days in which the customer may object are over."""

    code = "orders.objection_too_late"


class InDispute(Conflict):
    """A dispute about this order is open; it is decided or withdrawn first."""

    code = "orders.order_in_dispute"


class LineUnknown(Invalid):
    """The order has no such line."""

    code = "orders.dispute_line_unknown"


class RefundUndecided(Invalid):
    """A refund says how much; any other outcome does not."""

    code = "orders.dispute_refund_amount"


class RefundTooLarge(Invalid):
    """More is to be given back than the order's net price."""

    code = "orders.dispute_refund_too_large"


class TooMuchEvidence(Conflict):
    """There are as many files or comments as there may be."""

    code = "orders.dispute_too_long"


@dataclass(frozen=True)
class Evidence:
    """A file that *party* puts forward. *problem*: code of why its upload was refused."""

    evidence_id: UUID
    party: Party
    title: str
    sha256: str
    size_bytes: int
    media_type: str
    state: EvidenceState = "declared"
    attempts: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Comment:
    party: Party
    text: str
    at: datetime


@dataclass(frozen=True)
class Decision:
    """*net*: of the order's net price, given back; none unless the outcome is a refund."""

    outcome: Outcome
    net: Money | None
    burden: Burden
    station_base: StationBase
    reason: str
    decided_at: datetime
    decided_by: str


@dataclass
class Dispute:
    """
    Attributes:
        lines: What is objected to; empty: the whole order.
        time_left_s: Of the days to accept, when it was opened; they go on when it is closed. None: accepted already.
    """

    dispute_id: UUID
    number: str
    order_id: UUID
    order_number: str
    customer_id: UUID
    provider_id: UUID
    state: DisputeState
    reason: DisputeReason
    lines: tuple[int, ...]
    text: str
    opened_at: datetime
    time_left_s: int | None
    evidence: tuple[Evidence, ...] = ()
    comments: tuple[Comment, ...] = ()
    answered_at: datetime | None = None
    decision: Decision | None = None
    closed_at: datetime | None = None

    def answer(self, text: str, now: datetime) -> None:
        """Raises WrongState, TooMuchEvidence."""
        self.state = LIFECYCLE.after("answer", self.state)
        self.answered_at = self.answered_at or now
        self.say("provider", text, now)

    def say(self, party: Party, text: str, now: datetime) -> None:
        """Raises WrongState, TooMuchEvidence."""
        LIFECYCLE.after("speak", self.state)
        if len(self.comments) >= COMMENTS_MAX:
            raise TooMuchEvidence
        self.comments += (Comment(party, text, now),)

    def declare(self, evidence: Evidence) -> None:
        """Raises WrongState, TooMuchEvidence."""
        LIFECYCLE.after("speak", self.state)
        if len(self.evidence) >= EVIDENCE_MAX:
            raise TooMuchEvidence
        self.evidence += (evidence,)

    def submit(self, evidence_id: UUID, party: Party) -> Evidence:
        """
        Its file is uploaded.

        Raises:
            NotFound: *party* declared no such file.
            WrongState: It is being checked or kept, or the dispute is closed.
        """
        LIFECYCLE.after("speak", self.state)
        found = next((each for each in self.evidence if each.evidence_id == evidence_id), None)
        if found is None or found.party != party:
            raise NotFound
        if found.state not in {"declared", "refused"}:
            raise WrongState(noun="evidence", state=found.state, verb="submit")
        return self._change(found, state="checking", attempts=found.attempts + 1, problem="")

    def checked(self, evidence_id: UUID, problem: str) -> None:
        """Its file is kept, or refused for *problem*."""
        (found,) = (each for each in self.evidence if each.evidence_id == evidence_id)
        self._change(found, state="refused" if problem else "kept", problem=problem)

    def _change(self, evidence: Evidence, **changes: object) -> Evidence:
        changed = replace(evidence, **changes)  # type: ignore[arg-type] # names of its fields
        self.evidence = tuple(changed if each is evidence else each for each in self.evidence)
        return changed

    def decide(self, decision: Decision, order_net: Money) -> None:
        """
        Raises:
            WrongState: It is closed.
            RefundUndecided: A refund without amount, or an amount without refund.
            RefundTooLarge, CurrencyMismatch: The amount does not fit the order's net price.
        """
        state = LIFECYCLE.after("decide", self.state)
        if (decision.outcome == "refund") != (decision.net is not None):
            raise RefundUndecided
        if decision.net is not None and decision.net > order_net:
            raise RefundTooLarge
        self.state, self.decision, self.closed_at = state, decision, decision.decided_at

    def withdraw(self, now: datetime) -> None:
        """Raises WrongState."""
        self.state, self.closed_at = LIFECYCLE.after("withdraw", self.state), now

    def execute(self) -> None:
        """Raises WrongState."""
        self.state = LIFECYCLE.after("execute", self.state)


def check_objection(lines: Collection[int], of_order: Collection[int], delivered_at: datetime, objection_days: int,
                    now: datetime) -> None:  # fmt: skip
    """
    Raises:
        LineUnknown: One of *lines* is none of *of_order*.
        ObjectionTooLate: More than *objection_days* after *delivered_at*.
    """
    if set(lines) - set(of_order):
        raise LineUnknown
    if now >= delivered_at + timedelta(days=objection_days):
        raise ObjectionTooLate
