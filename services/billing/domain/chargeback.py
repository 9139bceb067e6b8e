"""
A chargeback: the customer's bank takes a card payment back through the payment institution until it decides.

Not to be confused with a dispute, in which a customer rejects what a provider delivered. Money is booked by the
balance transactions that the institution lists, each once, whatever was told of it in which order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.chargeback_file import FILE_FIELDS, ChargebackFile, FileAwaited, NoFileDeclared
from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.money import Money

ChargebackState = Literal["inquiry", "needs_response", "under_review", "won", "lost", "closed"]

# News come in any order: an earlier stage never follows a later one. A bank may overrule what was won.
_RANK: Mapping[ChargebackState, int] = {
    "inquiry": 0, "needs_response": 1, "under_review": 2, "closed": 3, "won": 3, "lost": 4,
}  # fmt: skip

# How long before the institution's deadline the operator is alarmed.
EVIDENCE_ALARM = timedelta(days=2)

EVIDENCE_FIELDS = frozenset({
    "product_description", "customer_name", "customer_email_address", "billing_address", "service_date",
    "access_activity_log", "cancellation_policy_disclosure", "cancellation_rebuttal", "refund_policy_disclosure",
    "refund_refusal_explanation", "duplicate_charge_explanation", "uncategorized_text",
})  # fmt: skip


class ChargebackDecided(Conflict):
    """The bank has decided; evidence comes too late."""

    code = "billing.chargeback_decided"


class EvidenceTooLate(Conflict):
    """The payment institution's deadline has passed."""

    code = "billing.chargeback_evidence_too_late"


class EvidenceUnderWay(Conflict):
    """Evidence is on its way to the bank; until the institution has answered nothing is added."""

    code = "billing.chargeback_evidence_under_way"


class EvidenceUnknown(Invalid):
    """The payment institution knows no evidence of this name, or there is none in it."""

    code = "billing.chargeback_evidence_unknown"


@dataclass(frozen=True)
class Movement:
    """
    A balance transaction of a chargeback; minor units of *currency*.

    Attributes:
        amount: Below zero: taken from us; above: given back.
        fee, fee_vat: Kept beside; below zero: given back.
    """

    balance_transaction_id: str
    amount: int
    fee: int
    fee_vat: int
    currency: str


@dataclass(frozen=True)
class ChargebackFacts:
    """How a chargeback stands at the institution, fetched just now."""

    stripe_dispute_id: str
    charge_id: str
    state: ChargebackState
    reason: str
    amount: Money
    evidence_due_at: datetime | None
    submissions: int
    movements: tuple[Movement, ...]


@dataclass
class Chargeback:
    """
    Amounts in minor units of *currency*.

    Attributes:
        amount: What the bank disputes.
        withdrawn: What the institution has taken from us for it, less what it gave back.
        evidence_due_at: The institution's deadline.
        submissions: How often evidence was sent to the bank.
        evidence: What was written so far, by the institution's names.
        written: How often something was.
        files: What is a file of it, by the institution's names.
        submitting: Whether it is on its way to the bank.
        bad_debt: Of a lost one, what nobody owes us; refunds that were under way then may still take of it.
    """

    chargeback_id: UUID
    stripe_dispute_id: str
    charge_id: str
    payment_id: UUID
    order_id: UUID
    order_number: str
    customer_id: UUID
    state: ChargebackState
    reason: str
    currency: str
    amount: int
    opened_at: datetime
    withdrawn: int = 0
    evidence_due_at: datetime | None = None
    submissions: int = 0
    evidence: dict[str, str] = field(default_factory=dict)
    written: int = 0
    files: dict[str, ChargebackFile] = field(default_factory=dict)
    submitting: bool = False
    bad_debt: int = 0
    closed_at: datetime | None = None
    checks: int = 0
    version: int = 0

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def over(self) -> bool:
        return self.state in {"won", "lost", "closed"}

    def learn(self, facts: ChargebackFacts, now: datetime) -> bool:
        """Take over how it stands. Returns whether its state is another one now."""
        self.evidence_due_at = facts.evidence_due_at
        if facts.submissions > self.submissions:
            self.submissions, self.submitting = facts.submissions, False
        self.withdrawn = -sum(each.amount for each in facts.movements if each.currency == self.currency)
        if _RANK[facts.state] <= _RANK[self.state]:
            return False
        self.state = facts.state
        if self.over:
            self.closed_at, self.submitting = now, False
        return True

    def _check_open(self, now: datetime) -> None:
        if self.over:
            raise ChargebackDecided
        if self.evidence_due_at is not None and now >= self.evidence_due_at:
            raise EvidenceTooLate
        if self.submitting:
            raise EvidenceUnderWay

    def write(self, evidence: Mapping[str, str], now: datetime, *, submit: bool) -> Mapping[str, str]:
        """
        Add to what is told the bank, and with *submit* let it go. Returns all of it, files by the institution's ids.

        Raises:
            ChargebackDecided, EvidenceTooLate, EvidenceUnderWay: See there.
            EvidenceUnknown: A name that the institution does not know, or nothing said and no file.
            FileAwaited: It is to be sent without a file that was declared.
        """
        self._check_open(now)
        unknown = sorted(set(evidence) - EVIDENCE_FIELDS)
        ready = {name: file.stripe_file_id for name, file in self.files.items() if file.state == "ready"}
        if unknown or not (evidence or ready) or not all(evidence.values()):
            raise EvidenceUnknown(fields=unknown)
        if submit and len(ready) < len(self.files):
            raise FileAwaited(names=sorted(set(self.files) - set(ready)))
        self.evidence, self.written, self.submitting = {**self.evidence, **evidence}, self.written + 1, submit
        return {**self.evidence, **ready}

    def declare(self, name: str, file: ChargebackFile, now: datetime) -> None:
        """
        *file* is to be uploaded as evidence *name*, in place of an earlier one.

        Raises:
            ChargebackDecided, EvidenceTooLate, EvidenceUnderWay, EvidenceUnknown: See there.
        """
        self._check_open(now)
        if name not in FILE_FIELDS:
            raise EvidenceUnknown(fields=[name])
        self.files = {**self.files, name: file}

    def uploaded(self, name: str, now: datetime) -> ChargebackFile:
        """Raises ChargebackDecided, EvidenceTooLate, EvidenceUnderWay, NoFileDeclared."""
        self._check_open(now)
        if name not in self.files:
            raise NoFileDeclared
        self.files = {**self.files, name: self.files[name].submit()}
        return self.files[name]

    def learn_of_file(
        self, file_id: str, *, key: str | None = None, stripe_file_id: str = "", problem: str = ""
    ) -> ChargebackFile | None:
        """Its key, the institution's id or a problem; none: another one has taken its place."""
        name = next((name for name, file in self.files.items() if file.file_id == file_id), None)
        if name is None:
            return None
        before = self.files[name]
        there = stripe_file_id or before.stripe_file_id
        after = replace(before, key=key or before.key, stripe_file_id=there, problem=problem)
        self.files = {**self.files, name: after}
        return after


def funds_moved(chargeback_id: UUID, amount: Money) -> tuple[ledger.Entry, ...]:
    """The institution took *amount* (below zero) from us, or gave it back."""
    disputed = ledger.dispute(chargeback_id)
    if amount.amount < 0:
        return ledger.entries(("D", disputed, -amount), ("C", ledger.PSP, -amount))
    return ledger.entries(("D", ledger.PSP, amount), ("C", disputed, amount))


def fee_charged(fee: Money, vat: Money) -> tuple[ledger.Entry, ...]:
    """The institution kept its fee for a chargeback and the VAT on it; below zero: it gave them back."""
    if (fee + vat).amount < 0:
        return ledger.mirrored(fee_charged(-fee, -vat))
    return ledger.entries(
        ("D", ledger.DISPUTE_FEE, fee), ("D", ledger.INPUT_VAT_PENDING, vat), ("C", ledger.PSP, fee + vat)
    )


def not_recovered(chargeback_id: UUID, amount: Money) -> tuple[ledger.Entry, ...]:
    """What of a lost chargeback nobody owes us."""
    return ledger.entries(("D", ledger.BAD_DEBT, amount), ("C", ledger.dispute(chargeback_id), amount))


def recovered_late(refund_id: UUID, amount: Money) -> tuple[ledger.Entry, ...]:
    """A refund of *amount* was under way when the chargeback was lost, and is not made: what was lost is less by it."""
    return ledger.entries(("D", ledger.refund(refund_id), amount), ("C", ledger.BAD_DEBT, amount))


def surplus_lost(chargeback_id: UUID, customer_id: UUID, amount: Money) -> tuple[ledger.Entry, ...]:
    """A lost chargeback of money that no order had taken: it was the customer's credit."""
    return ledger.entries(
        ("D", ledger.customer_credit(customer_id), amount), ("C", ledger.dispute(chargeback_id), amount)
    )
