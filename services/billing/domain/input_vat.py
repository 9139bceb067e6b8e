"""
Input VAT: the tax on what we are invoiced, deducted in a filing period once finance has confirmed the paper.

One for each statement whose invoice shows tax, one for each confirmation of a month of the payment institution's fees.
Its four parts always sum to its amount: what a party gives back is taken from what is pending first, then from what is
deducted, then from what was transferred out; nothing of it ever falls below zero.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.organisation import PartyKind
from services.billing.domain.period import Period, PeriodClosedAlready
from services.shared.kernel.errors import Conflict, Invalid, NotAllowed
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money
from services.shared.kernel.times import business_date

InputVatState = Literal["awaited", "pending", "confirmed", "transferred_out"]

LIFECYCLE: Lifecycle[InputVatState] = Lifecycle(
    "input_vat",
    {
        "match": {"awaited": "pending"},
        "confirm": {"pending": "confirmed"},
        "transfer_out": {"confirmed": "transferred_out"},
    },
)

FEES = "psp_fees"


class InputVatLater(Conflict):
    """Nothing is deducted in a filing period that was over before its paper came, nor in one that has not begun."""

    code = "billing.input_vat_period"


class InputVatNothingLeft(Conflict):
    """There is nothing to confirm: it was given back, or is confirmed already."""

    code = "billing.input_vat_nothing_left"


class InputVatExceeded(Invalid):
    """That is more than what stands confirmed, or of another currency."""

    code = "billing.input_vat_exceeded"


class SameHandsTransferOut(NotAllowed):
    """Who confirmed it does not transfer it out."""

    code = "billing.four_eyes_required"


@dataclass(frozen=True, slots=True)
class GivenBack:
    """Of which parts a party gives input VAT back, minor units; *beyond*: more than there ever was on this paper."""

    pending: int = 0
    confirmed: int = 0
    transferred_out: int = 0
    beyond: int = 0


@dataclass(frozen=True, slots=True)
class FeeMonth:
    """
    A month of the payment institution's fees.

    Attributes:
        period: The business month in which they count.
        pending: Their tax that is not confirmed, minor units of *currency*.
        confirmations: How many there were.
    """

    period: Period
    currency: str
    pending: int
    confirmations: int


@dataclass
class InputVat:
    """
    Attributes:
        number: The statement's, or the month of the fees.
        state: `awaited`: a claw-back came before the invoice. What is left of `transferred_out` stays deducted.
        amount: On the paper, minor units of *currency*: the sum of pending, confirmed, transferred_out and given_back.
        arisen_at: When the invoice matched, or the last instant of the fees' month.
        period: In which filing period it is deducted; empty before.
    """

    input_vat_id: UUID
    source: Literal["received_invoice", "psp_fees"]
    number: str
    settlement_id: UUID | None
    received_invoice_id: UUID | None
    invoice_number: str
    party_kind: PartyKind | None
    party_id: UUID | None
    state: InputVatState
    currency: str
    amount: int
    pending: int
    arisen_at: datetime
    confirmed: int = 0
    transferred_out: int = 0
    given_back: int = 0
    period: str = ""
    confirmed_at: datetime | None = None
    confirmed_by: str = ""
    transferred_out_at: datetime | None = None
    transferred_out_by: str = ""
    reason: str = ""
    version: int = 0

    @property
    def key(self) -> str:
        """Begins the keys of what is booked of it."""
        return f"input_vat:{self.received_invoice_id or self.input_vat_id}"

    def match(self, received_invoice_id: UUID, invoice_number: str, now: datetime) -> None:
        """The invoice is there. Raises WrongState."""
        self.state = LIFECYCLE.after("match", self.state)
        self.received_invoice_id, self.invoice_number, self.arisen_at = received_invoice_id, invoice_number, now

    def confirm(self, period: Period, by: str, now: datetime) -> Money:
        """
        It is deducted in *period*. Returns how much.

        Raises: WrongState, InputVatNothingLeft, InputVatLater.
        """
        self.state = LIFECYCLE.after("confirm", self.state)
        if not self.pending:
            raise InputVatNothingLeft(number=self.number)
        if self.arisen_at >= period.until:
            raise InputVatLater(number=self.number)
        self.confirmed, self.pending = self.pending, 0
        self.period, self.confirmed_at, self.confirmed_by = period.name, now, by
        return Money(self.confirmed, self.currency)

    def transfer_out(self, amount: Money, reason: str, by: str, now: datetime) -> None:
        """
        *amount* of it may not be deducted after all, once. More than one amount is one decision.

        Raises: WrongState, SameHandsTransferOut, InputVatExceeded.
        """
        self.state = LIFECYCLE.after("transfer_out", self.state)
        if by == self.confirmed_by:
            raise SameHandsTransferOut
        if amount.currency != self.currency or not 0 < amount.amount <= self.confirmed:
            raise InputVatExceeded(confirmed=self.confirmed)
        self.confirmed -= amount.amount
        self.transferred_out = amount.amount
        self.reason, self.transferred_out_at, self.transferred_out_by = reason, now, by

    def give_back(self, tax: int) -> GivenBack:
        """The party gives *tax* (minor units, zero or more) back."""
        pending = min(tax, self.pending)
        confirmed = min(tax - pending, self.confirmed)
        transferred_out = min(tax - pending - confirmed, self.transferred_out)
        self.pending -= pending
        self.confirmed -= confirmed
        self.transferred_out -= transferred_out
        taken = pending + confirmed + transferred_out
        self.given_back += taken
        return GivenBack(pending, confirmed, transferred_out, tax - taken)


def check_filing(period: Period, last_until: datetime | None, now: datetime) -> datetime:
    """
    When what is confirmed in *period* counts: now, or at its last instant where it is over and its books are open.

    Raises:
        PeriodClosedAlready: Its books are closed.
        InputVatLater: It has not begun.
    """
    if last_until is not None and period.until <= last_until:
        raise PeriodClosedAlready
    if period.name > month_of(business_date(now)):
        raise InputVatLater
    return min(now, period.last_instant)


def month_of(day: date) -> str:
    return f"{day:%Y-%m}"


def input_vat_confirmed(amount: Money) -> tuple[ledger.Entry, ...]:
    """It is deducted. Source: trade.md §6."""
    return ledger.entries(("D", ledger.INPUT_VAT, amount), ("C", ledger.INPUT_VAT_PENDING, amount))


def input_vat_transferred_out(kind: PartyKind | None, amount: Money) -> tuple[ledger.Entry, ...]:
    """It is not deducted after all, and costs us what the service or the fee costs. *kind*: none for fees."""
    cost = ledger.cost(kind) if kind is not None else ledger.PSP_FEE
    return ledger.entries(("D", cost, amount), ("C", ledger.INPUT_VAT, amount))
