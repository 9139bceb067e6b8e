"""
A bank order: the file by which the bank is told to pay some payouts, and what the bank answers to it.

The bank's answer alone moves money only where it says that a payment was not made: that one was made, its
statement says.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.billing.domain.payout import Payout
from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.money import Money

BankOrderFormat = Literal["pain.001.001.03", "pain.001.001.09", "csv"]

NOT_PAID = frozenset({"RJCT", "CANC"})
SETTLED = frozenset({"ACSC", "ACCC"})
"""It has left our account, or reached the creditor's."""
"""By these the bank says that it did not and will not pay (ISO 20022, ExternalPaymentTransactionStatus1Code)."""


class CurrenciesDiffer(Conflict):
    """A bank order is in one currency."""

    code = "billing.bank_order_currencies_differ"


class StatusReportUnreadable(Invalid):
    """The answer of the bank cannot be read; facts name the line of the file and what is wrong there."""

    code = "billing.status_report_unreadable"


class StatusReportUnknown(Conflict):
    """The answer is to a bank order that is none of ours."""

    code = "billing.status_report_unknown"


class StatusReportContradicts(Conflict):
    """The answer names a payment that was not ordered, or another amount; ask the bank."""

    code = "billing.status_report_contradicts"


@dataclass
class BankOrder:
    """
    Attributes:
        number: The file's message id too: by it the bank's answer finds the order.
        count, total: How many payouts it orders, and their sum in minor units of *currency*.
    """

    bank_order_id: UUID
    number: str
    format: BankOrderFormat
    currency: str
    count: int
    total: int
    ordered_at: datetime
    ordered_by: str
    document_key: str | None = None
    document_sha256: str = ""
    document_size: int = 0
    version: int = 0

    @property
    def money(self) -> Money:
        return Money(self.total, self.currency)

    def keep(self, key: str, sha256: str, size: int) -> None:
        """The file is written and kept."""
        self.document_key, self.document_sha256, self.document_size = key, sha256, size


@dataclass(frozen=True, slots=True)
class PaymentStatus:
    """
    What the bank says of one payment.

    Attributes:
        number: Of the payout, as we gave it; empty where it is said of all that are not named.
        amount: None where the bank does not repeat it.
    """

    number: str
    status: str
    reason: str
    amount: Money | None = None


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The bank's answer to the bank order *order_number*; what it says of all stands last."""

    order_number: str
    statuses: tuple[PaymentStatus, ...]


def total_of(payouts: Sequence[Payout]) -> Money:
    """Raises CurrenciesDiffer."""
    if len({payout.currency for payout in payouts}) > 1:
        raise CurrenciesDiffer
    return Money(sum(payout.amount for payout in payouts), payouts[0].currency)


def said_of(report: StatusReport, payouts: Iterable[Payout]) -> Iterator[tuple[Payout, PaymentStatus]]:
    """
    Each payout of the order with what the bank says of it, if anything.

    Raises:
        StatusReportContradicts: It names another payment, or another amount.
    """
    ordered = {payout.number: payout for payout in payouts}
    named = {each.number: each for each in report.statuses if each.number}
    of_all = next((each for each in report.statuses if not each.number), None)
    strangers = named.keys() - ordered.keys()
    if strangers:
        raise StatusReportContradicts(number=min(strangers))
    for number, payout in ordered.items():
        said = named.get(number, of_all)
        if said is None:
            continue
        if said.amount is not None and said.amount != payout.money:
            raise StatusReportContradicts(number=number)
        yield payout, said


def said_of_one(report: StatusReport, number: str, money: Money) -> PaymentStatus | None:
    """
    What the bank says of the one transfer of a refund's or a credit payback's order, if anything.

    Raises:
        StatusReportContradicts: It names another payment, or another amount.
    """
    strangers = [each.number for each in report.statuses if each.number not in {"", number}]
    if strangers:
        raise StatusReportContradicts(number=min(strangers))
    said = next((each for each in report.statuses if each.number), None) or next(iter(report.statuses), None)
    if said is not None and said.amount not in {None, money}:
        raise StatusReportContradicts(number=number)
    return said
