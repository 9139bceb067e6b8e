"""
What the payment institution pays out of our account with it to our own bank. Not a payout, which pays a party.

Its books and the bank's tell of it by themselves, on different days: what the one has told
and the other has not yet stands on the transit account between the two, so that either may come first and each is
booked once.
"""

from dataclasses import dataclass
from datetime import datetime

from services.billing.domain import ledger
from services.shared.kernel.money import Money


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
