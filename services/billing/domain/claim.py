"""
A claim: the programme's authority is asked for its part of accepted work, with the evidence for it.

Two persons review it, neither of whom submitted it; or nobody, where the programme says so and every rule holds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.programme import RedeemTo, RuleResult, Rules, ShortfallPayer, amount_on
from services.billing.domain.related_party import Finding
from services.billing.domain.voucher import VoucherUse
from services.shared.kernel.errors import Conflict, Invalid, NotAllowed
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money
from services.shared.kernel.times import business_date

ClaimState = Literal["submitted", "first_reviewed", "approved", "sent_back", "rejected", "paid"]
EvidenceKind = Literal["quotation", "contract", "report", "invoice", "receipt", "acceptance"]

LIFECYCLE: Lifecycle[ClaimState] = Lifecycle(
    "claim",
    {
        "review_first": {"submitted": "first_reviewed"},
        "review_second": {"first_reviewed": "approved"},
        "approve_automatically": {"submitted": "approved"},
        "send_back": {"submitted": "sent_back", "first_reviewed": "sent_back"},
        "resubmit": {"sent_back": "submitted"},
        # an authority may think otherwise until it has paid
        "reject": {"submitted": "rejected", "first_reviewed": "rejected", "sent_back": "rejected",
                   "approved": "rejected"},
        "pay": {"approved": "paid"},
    },
)  # fmt: skip

# Whatever the programme. Where the order came of a quotation that is there from the beginning.
_NEEDED: tuple[EvidenceKind, ...] = ("contract", "report", "invoice", "receipt", "acceptance")


class NotAccepted(Conflict):
    """The work is not accepted yet."""

    code = "billing.claim_before_acceptance"


class ClaimTooLate(Conflict):
    """The time for claiming is over."""

    code = "billing.claim_too_late"


class NothingToClaim(Conflict):
    """There is nothing here that this programme would pay to whoever asks."""

    code = "billing.nothing_to_claim"


class EvidenceMissing(Conflict):
    """Papers are missing; the facts name them."""

    code = "billing.claim_evidence_missing"


class ClaimBlocked(Conflict):
    """Findings stop it; the facts name them."""

    code = "billing.claim_blocked"


class SameHands(NotAllowed):
    """Who submitted or reviewed a claim does not review it again."""

    code = "billing.four_eyes_required"


class AuthorityDecides(NotAllowed):
    """The programme leaves this review to its authority."""

    code = "billing.claim_review_of_authority"


class ReasonRequired(Invalid):
    """Whoever is refused is told why."""

    code = "billing.reason_required"


@dataclass(frozen=True)
class Evidence:
    """One paper, by reference; *sha256* of the file, empty for facts that are no files."""

    kind: EvidenceKind
    reference: UUID
    number: str
    sha256: str
    at: datetime


class Reviewed:
    """
    What is submitted with its evidence and decided by two: a claim for an order, or a subsidy for a period.

    Attributes:
        currency, amount: What is asked for, in minor units.
        submitted_by, first_reviewed_by, second_reviewed_by: Three different hands.
        pack_key, pack_sha256, pack_size: The evidence as a file, of this submission; none while it is made.
    """

    number: str
    state: ClaimState
    currency: str
    amount: int
    submitted_at: datetime
    submitted_by: str
    first_reviewed_by: str
    second_reviewed_by: str
    approved_at: datetime | None
    reason: str
    pack_key: str | None
    pack_sha256: str
    pack_size: int

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    def resubmit(self, by: str, now: datetime) -> None:
        """Raises WrongState."""
        self.state = LIFECYCLE.after("resubmit", self.state)
        self.submitted_by, self.submitted_at, self.reason = by, now, ""
        self.pack_key, self.pack_sha256, self.pack_size = None, "", 0

    def keep_pack(self, submitted_at: datetime, kept: tuple[str, str, int]) -> bool:
        """
        The evidence is packed and *kept* (key, SHA-256, size).

        Returns:
            Whether it is what now stands submitted: that of an earlier submission is nobody's any more.
        """
        if self.submitted_at != submitted_at:
            return False
        self.pack_key, self.pack_sha256, self.pack_size = kept
        return True

    def check_reviewer(self, rules: Rules, *, authority: bool) -> None:
        """
        *authority*: one of its own people decides. From the first review on it is the second that is decided.

        Raises:
            AuthorityDecides: The programme says that only they do.
        """
        second = self.state not in {"submitted", "sent_back"}
        theirs = rules.authority_reviews == "both" or (rules.authority_reviews == "second" and second)
        if theirs and not authority:
            raise AuthorityDecides

    def approve(self, by: str, now: datetime) -> bool:
        """
        The first or the second reviewer approves.

        Returns:
            Whether it is approved now, by the second.

        Raises:
            WrongState: It is not under review.
            SameHands: *by* submitted it or reviewed it before.
        """
        second = self.state == "first_reviewed"
        state = LIFECYCLE.after("review_second" if second else "review_first", self.state)
        if by in {self.submitted_by, self.first_reviewed_by}:
            raise SameHands
        self.state = state
        if not second:
            self.first_reviewed_by = by
            return False
        self.second_reviewed_by, self.approved_at = by, now
        return True

    def send_back(self, by: str, reason: str) -> None:
        """The claimant is to mend it. Raises WrongState, SameHands, ReasonRequired."""
        self.refuse("send_back", by, reason)
        self.first_reviewed_by = ""

    def refuse(self, verb: str, by: str, reason: str) -> None:
        """*verb*: send_back or reject. Raises WrongState, SameHands, ReasonRequired."""
        state = LIFECYCLE.after(verb, self.state)
        if by == self.submitted_by:
            raise SameHands
        if not reason:
            raise ReasonRequired
        self.state, self.reason = state, reason


@dataclass
class Claim(Reviewed):
    """
    Amounts in minor units of *currency*.

    Attributes:
        use_id: The voucher on the order.
        claimant_id: Whom the programme pays: customer, provider, or the operating company.
    """

    claim_id: UUID
    number: str
    state: ClaimState
    programme_id: UUID
    programme_version_id: UUID
    use_id: UUID
    order_id: UUID
    order_number: str
    voucher_id: UUID
    claimant_id: UUID
    redeem_to: RedeemTo
    currency: str
    amount: int
    submitted_at: datetime
    submitted_by: str
    evidence: tuple[Evidence, ...] = ()
    results: tuple[RuleResult, ...] = ()
    findings: tuple[Finding, ...] = ()
    automatic: bool = False
    reason: str = ""
    first_reviewed_by: str = ""
    second_reviewed_by: str = ""
    approved_at: datetime | None = None
    paid: int = 0
    paid_at: datetime | None = None
    paid_reference: str = ""
    due_on: date | None = None
    pack_key: str | None = None
    pack_sha256: str = ""
    pack_size: int = 0
    version: int = 0

    @property
    def every_rule_holds(self) -> bool:
        return all(result.outcome == "passed" for result in self.results)

    def approve_automatically(self, now: datetime) -> None:
        """Every rule holds and the programme wants no person. Raises WrongState."""
        self.state = LIFECYCLE.after("approve_automatically", self.state)
        self.automatic, self.approved_at = True, now

    def reject(self, by: str, reason: str, rules: Rules, now: datetime) -> None:
        """The programme will not pay. Raises WrongState, SameHands, ReasonRequired."""
        self.refuse("reject", by, reason)
        self.due_on = business_date(now) + timedelta(days=rules.shortfall_days)

    def awaits(self, amount: Money, left: Money) -> bool:
        """Whether *amount* on our account pays it: exactly, or exactly what a refund has *left* of it."""
        return self.state == "approved" and self.redeem_to == "company" and amount in {self.money, left}

    def pay(self, amount: int, reference: str, now: datetime) -> None:
        """The programme has paid *amount*. Raises WrongState."""
        self.state = LIFECYCLE.after("pay", self.state)
        self.paid, self.paid_reference, self.paid_at = amount, reference, now


def claim_rejected(use: VoucherUse, bearer: ShortfallPayer) -> tuple[ledger.Entry, ...]:
    """The programme will not pay the company: *bearer* does."""
    if use.redeem_to != "company":
        return ()
    account = {
        "customer": ledger.customer_receivable(use.holder_id),
        "provider": ledger.receivable("provider", use.provider_id),
        "company": ledger.VOUCHER_LOSS,
    }[bearer]
    return ledger.entries(("D", account, use.money), ("C", ledger.programme_receivable(use.programme_id), use.money))


def claim_paid(use: VoucherUse, amount: Money, source: str = ledger.BANK) -> tuple[ledger.Entry, ...]:
    """
    The authority's money stands on *source*, the bank or suspense; what a refund has made too much of it meanwhile is
    owed back.
    """
    owed = min(use.money, amount)
    return ledger.entries(
        ("D", source, amount),
        ("C", ledger.programme_receivable(use.programme_id), owed),
        ("C", ledger.voucher_clawback(use.programme_id), amount - owed),
    )


def provider_overpaid(use: VoucherUse, over: Money) -> tuple[ledger.Entry, ...]:
    """The authority paid the provider *over* what a refund had left of it: the programme gets that back through us."""
    return ledger.entries(
        ("D", ledger.receivable("provider", use.provider_id), over),
        ("C", ledger.voucher_clawback(use.programme_id), over),
    )


def missing(evidence: Iterable[Evidence]) -> list[str]:
    """Kinds of papers that an order's claim needs and has not."""
    there = {each.kind for each in evidence}
    return [kind for kind in _NEEDED if kind not in there]


def claim_results(
    use: VoucherUse, rules: Rules, received: int, evidence: tuple[Evidence, ...], found: Iterable[Finding],
    now: datetime,
) -> tuple[RuleResult, ...]:  # fmt: skip
    """
    Each rule that decides whether a person must look at a claim, with its figures.

    *received*: from the customer for the order, less what went back, minor units.
    """
    until = use.claim_until
    own = use.gross - use.cover
    # Not `after_refund`, which never gives less than stands: asked about what stands it says yes to everything.
    again, _ = amount_on(rules, use.net, use.gross, use.left)
    doubtful = sorted({each.kind for each in found if each.severity == "review"})
    reports = [each.sha256 for each in evidence if each.kind == "report"]
    return (
        _held("claim_deadline", until is not None and now < until, until=until.isoformat() if until else ""),
        _held("evidence", True, papers=len(evidence)),
        _held("amount", use.amount <= again, claimed=use.amount, by_rules=again),
        _held("customer_has_paid", received >= own, received=received, own_payment=own),
        _held("reports_have_hashes", all(reports), reports=len(reports)),
        _held("no_findings", not doubtful, findings=", ".join(doubtful)),
    )  # fmt: skip


def _held(rule: str, holds: object, **figures: int | str) -> RuleResult:
    return RuleResult(rule, "passed" if holds else "failed", figures)
