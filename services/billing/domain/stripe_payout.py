"""
What the payment institution pays out of our account with it to our own bank. Not a payout, which pays a party.

Its books and the bank's tell of it by themselves, on different days: what the one has told
and the other has not yet stands on the transit account between the two, so that either may come first and each is
booked once.

Which line is which payout follows, in the days about its arrival and with exactly its amount, from what the line says:
the institution's id of it, or the bank's own trace of it; else the institution's name as who sent or took it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.bank_line import BankLine
from services.billing.domain.bank_statement import plain_of
from services.billing.domain.payer_agreement import one_form
from services.shared.kernel.money import Money
from services.shared.kernel.times import business_date

NAMES = ("STRIPE",)
"""With which word the institution's name on the bank's statement begins, where no setting says otherwise."""
EARLY_DAYS_MAX, LATE_DAYS_MAX = 3, 14
"""How long before and after the day on which it should arrive a line may be; a holiday of the banks lasts a week."""
REASONS = frozenset({"psp_awaited", "psp_differs", "psp_ambiguous"})
"""Why a line of the institution waits in suspense."""
TARGET_UNKNOWN = "psp"
"""Of a line of which a person said that it is one, when none fitted."""
_TRACE_CHARS_MIN = 8

StripePayoutState = Literal["under_way", "failed"]
Way = Literal["in", "out"]


@dataclass(frozen=True)
class Movement:
    """
    A balance transaction of the institution; minor units of *currency*.

    Attributes:
        amount: Below zero: sent to our bank; above: it did not arrive and is back, or was taken from our bank.
        fee, fee_vat: Kept beside.
    """

    balance_transaction_id: str
    amount: int
    fee: int
    fee_vat: int
    currency: str
    happened_at: datetime

    @property
    def key(self) -> str:
        return f"stripe:{self.balance_transaction_id}"


@dataclass
class StripePayout:
    """
    Minor units of *currency*.

    Attributes:
        psp_payout_id: Of *stripe_payout_id*; by it parts of lines name it.
        amount: Above zero: sent to our bank; below: taken from it, for our balance there was below zero.
        arrives_on: When the institution expects the bank to show it.
        state: *failed* also where it was called off; it may fail after it had arrived.
        trace: By which the bank may know it; empty where the institution tells none.
        line_id: Of the bank, that showed it; none before.
        return_line_id: That showed it coming, or going, back after it had failed.
    """

    psp_payout_id: UUID
    stripe_payout_id: str
    amount: int
    currency: str
    arrives_on: date
    state: StripePayoutState
    trace: str = ""
    line_id: UUID | None = None
    return_line_id: UUID | None = None

    @property
    def money(self) -> Money:
        return Money(abs(self.amount), self.currency)

    @property
    def awaited(self) -> Way | None:
        """Which way the line goes that the bank has still to show; none where nothing is to come."""
        first: tuple[Way, Way] = ("in", "out") if self.amount > 0 else ("out", "in")
        if self.state == "failed":
            return first[1] if self.line_id is not None and self.return_line_id is None else None
        return first[0] if self.line_id is None else None

    def learn(self, told: "StripePayout") -> None:
        """How it stands now; one that has failed never succeeds again."""
        if self.state != "failed":
            self.state = told.state
        self.arrives_on, self.trace = told.arrives_on, told.trace or self.trace

    def shown_by(self, line: BankLine) -> None:
        """*line* is the one that was awaited."""
        if self.state == "failed":
            self.return_line_id = line.bank_line_id
        else:
            self.line_id = line.bank_line_id

    def not_shown_by(self, line: BankLine) -> None:
        """What was made of *line* is taken back."""
        if self.return_line_id == line.bank_line_id:
            self.return_line_id = None
        if self.line_id == line.bank_line_id:
            self.line_id = None

    def named_in(self, line: BankLine) -> bool:
        plain = plain_of(line.remittance)
        return any(
            len(name) >= _TRACE_CHARS_MIN and name in plain
            for name in (plain_of(self.stripe_payout_id), plain_of(self.trace))
        )

    def fits(self, line: BankLine) -> bool:
        """Whether *line* may be the one that is awaited, whatever it says."""
        late = (business_date(line.booked_at) - self.arrives_on).days
        return (self.awaited, self.money) == (line.direction, line.money) and -EARLY_DAYS_MAX <= late <= LATE_DAYS_MAX


def by_institution(line: BankLine, names: Iterable[str]) -> bool:
    """Whether the bank says that the payment institution sent *line*, or took it."""
    counterparty = one_form(line.counterparty)
    return any(counterparty.startswith(one_form(name)) for name in names if one_form(name))


def shown(line: BankLine, payouts: Sequence[StripePayout]) -> tuple[StripePayout | None, str]:
    """
    Which of *payouts*, shown before or not, the institution's *line* shows; none and the code why it is not sure.

    Of several of the same amount the one of the line's day; of those of one day, which nothing tells apart, any.
    """
    named = [each for each in payouts if each.named_in(line)]
    if named:
        (first, *others) = named
        sure = not others and (first.awaited, first.money) == (line.direction, line.money)
        return (first, "") if sure else (None, "psp_differs")
    fitting = [each for each in payouts if each.fits(line)]
    on_day = [each for each in fitting if each.arrives_on == business_date(line.booked_at)]
    possible = on_day or fitting
    if not possible:
        return None, "psp_awaited"
    if len({each.arrives_on for each in possible}) > 1:
        return None, "psp_ambiguous"
    return min(possible, key=lambda each: each.stripe_payout_id), ""


def nearest(line: BankLine, payouts: Sequence[StripePayout]) -> StripePayout | None:
    """Which of *payouts* a *line* shows of which a person says that it shows one; none: it is not told of yet."""
    possible = [each for each in payouts if each.fits(line)]
    day = business_date(line.booked_at)
    return min(
        possible,
        key=lambda each: (not each.named_in(line), abs(each.arrives_on - day), each.stripe_payout_id),
        default=None,
    )


def waits_for(line: BankLine, payout: StripePayout) -> bool:
    """Whether *line*, booked before, may show *payout*: nobody is deciding on it, or has taken back what it was."""
    if line.target == TARGET_UNKNOWN:
        return payout.fits(line)
    waiting = line.state == "suspense" and line.proposal is None and line.reason != "undone"
    return waiting and payout.awaited == line.direction and (line.reason in REASONS or payout.named_in(line))


def moved(movement: Movement) -> tuple[ledger.Entry, ...]:
    amount = Money(abs(movement.amount), movement.currency)
    sent = ledger.entries(("D", ledger.PSP_TRANSIT, amount), ("C", ledger.PSP, amount))
    return sent if movement.amount < 0 else ledger.mirrored(sent)


def fee_of(movement: Movement) -> tuple[ledger.Entry, ...]:
    """What it kept for paying out at once."""
    fee, vat = Money(movement.fee, movement.currency), Money(movement.fee_vat, movement.currency)
    return ledger.entries(
        ("D", ledger.PSP_FEE, fee), ("D", ledger.INPUT_VAT_PENDING, vat), ("C", ledger.PSP, fee + vat)
    )
