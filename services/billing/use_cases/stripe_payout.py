"""What the payment institution pays out to our own bank."""

from collections.abc import Sequence
from datetime import datetime

from services.billing.domain.stripe_payout import Movement, fee_of, moved
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.ports import BillingUnitOfWork


def learn(movements: Sequence[Movement], *, uow: BillingUnitOfWork, now: datetime) -> str:
    """
    Book what the institution's books say of a payout to us, each movement once, in whatever order they are told.

    Returns:
        What came of it, a word for the record.
    """
    booked = False
    for each in movements:
        for key, kind, entries in ((each.key, "psp_payout", moved(each)), (f"{each.key}:fee", "psp_fee", fee_of(each))):
            done = post_transaction(uow, key=key, kind=kind, entries=entries, effective_at=each.happened_at, now=now)
            booked = booked or done
    return "booked" if booked else "nothing_new"
