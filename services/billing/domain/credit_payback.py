"""
A customer's credit that is paid back to it, or what a programme is to have back (because of refunds, or as its fund was
not spent): asked for by one, let go by another, ordered from the bank.

It goes to the own account of the customer, or of the authority, and nowhere else. From the moment it is let go no order
can be paid with it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.ledger import Entry
from services.billing.domain.payout import BankAccountChanged
from services.shared.kernel.errors import NotAllowed
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money

CreditPaybackState = Literal["requested", "ordered", "paid", "failed", "returned", "cancelled"]

LIFECYCLE: Lifecycle[CreditPaybackState] = Lifecycle(
    "credit_payback",
    {
        "approve": {"requested": "ordered"},
        "cancel": {"requested": "cancelled"},
        "pay": {"ordered": "paid"},
        # The bank made it although it, or a person, had said that it had not.
        "pay_late": {"failed": "paid"},
        "fail": {"ordered": "failed"},
        "return": {"paid": "returned"},
        # What a person took for its return was not.
        "keep_paid": {"returned": "paid"},
    },
)


class SameHands(NotAllowed):
    """Who asked for it does not let it go; who let it go does not say that the bank refused it."""

    code = "billing.four_eyes_required"


@dataclass
class CreditPayback:
    """
    *amount* in minor units of *currency*; the account is the one that was known when it was asked for.

    Attributes:
        number: Stands in the remittance text; by it the bank's line finds it.
        customer_id, programme_id: Whose money it is, one of them: a customer's credit, or a programme's.
        failure: Why the bank did not make it, or that it came back.
        document_key, document_sha256, document_size: The file by which the bank is told; none until it is written.
    """

    credit_payback_id: UUID
    number: str
    state: CreditPaybackState
    customer_id: UUID | None
    currency: str
    amount: int
    reason: str
    bank_name: str
    account_name: str
    account_number: str
    requested_at: datetime
    requested_by: str
    approved_at: datetime | None = None
    approved_by: str = ""
    paid_at: datetime | None = None
    failure: str = ""
    document_key: str | None = None
    document_sha256: str = ""
    document_size: int = 0
    version: int = 0
    programme_id: UUID | None = None

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def owed_on(self) -> str:
        """The account on which we owe it until it is let go, and again where it comes back."""
        if self.programme_id is not None:
            return ledger.voucher_clawback(self.programme_id)
        if self.customer_id is not None:
            return ledger.customer_credit(self.customer_id)
        raise ValueError("money of nobody is paid back")

    def approve(self, by: str, account_now: tuple[str, str, str], now: datetime) -> None:
        """
        Let it go.

        Raises:
            WrongState: It is not just asked for.
            SameHands: *by* asked for it.
            BankAccountChanged: *account_now* is not the account it was asked for.
        """
        state = LIFECYCLE.after("approve", self.state)
        if by == self.requested_by:
            raise SameHands
        if account_now != (self.bank_name, self.account_name, self.account_number):
            raise BankAccountChanged
        self.state, self.approved_at, self.approved_by = state, now, by

    def cancel(self) -> None:
        """Raises WrongState: It was let go."""
        self.state = LIFECYCLE.after("cancel", self.state)

    def pay(self, at: datetime) -> None:
        """Perhaps after it had failed. Raises WrongState."""
        verb = "pay_late" if self.state == "failed" else "pay"
        self.state, self.paid_at, self.failure = LIFECYCLE.after(verb, self.state), at, ""

    def fail(self, reason: str, by: str) -> None:
        """Raises WrongState, SameHands."""
        state = LIFECYCLE.after("fail", self.state)
        if by == self.approved_by:
            raise SameHands
        self.state, self.failure = state, reason

    def refuse(self, reason: str) -> None:
        """The bank itself says that it will not make it. Raises WrongState."""
        self.state, self.failure = LIFECYCLE.after("fail", self.state), reason

    def keep_paid(self) -> None:
        """It did not come back after all. Raises WrongState."""
        self.state, self.failure = LIFECYCLE.after("keep_paid", self.state), ""

    def bring_back(self) -> None:
        """Raises WrongState."""
        self.state, self.failure = LIFECYCLE.after("return", self.state), "returned"

    def keep(self, key: str, sha256: str, size: int) -> None:
        """The file is written and kept."""
        self.document_key, self.document_sha256, self.document_size = key, sha256, size


def ordered(payback: CreditPayback) -> tuple[Entry, ...]:
    """The bank is told: no order is paid with it any more."""
    under_way = ledger.credit_payback(payback.credit_payback_id)
    return ledger.entries(("D", payback.owed_on, payback.money), ("C", under_way, payback.money))


def paid(payback: CreditPayback, source: str) -> tuple[Entry, ...]:
    """
    The bank's statement shows it: a line that lies on *source*, our account or suspense.

    One that had failed is owed as before by now, and that must still be there.
    """
    taken = payback.owed_on if payback.state == "failed" else ledger.credit_payback(payback.credit_payback_id)
    return ledger.entries(("D", taken, payback.money), ("C", source, payback.money))


def returned(payback: CreditPayback, source: str) -> tuple[Entry, ...]:
    """Its bank sent it back, by a line that lies on *source*: it is owed as before."""
    return ledger.entries(("D", source, payback.money), ("C", payback.owed_on, payback.money))
