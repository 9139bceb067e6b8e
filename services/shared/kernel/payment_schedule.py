"""A payment schedule: which part of the price the customer owes when. Frozen on the contract."""

from dataclasses import dataclass
from typing import Literal

Due = Literal["before_work", "on_acceptance"]

WHOLE_BPS = 10_000


@dataclass(frozen=True, slots=True)
class PaymentPart:
    """*bps* of the price: of the net and of the VAT likewise."""

    bps: int
    due: Due


PaymentSchedule = tuple[PaymentPart, ...]

ALL_BEFORE_WORK: PaymentSchedule = (PaymentPart(WHOLE_BPS, "before_work"),)


def payment_schedule(before_work_bps: int) -> PaymentSchedule:
    """
    *before_work_bps* of the price before work begins, the rest when the work is accepted.

    Raises:
        ValueError: That is no part of a whole.
    """
    if not 0 <= before_work_bps <= WHOLE_BPS:
        raise ValueError("a part of the price is 0 to 10,000 bps")
    parts = (PaymentPart(before_work_bps, "before_work"), PaymentPart(WHOLE_BPS - before_work_bps, "on_acceptance"))
    return tuple(part for part in parts if part.bps)
