"""
Asking the payment institution about what it should have told us: a webhook may be lost for ever.

Looks come after 1 minute, 5 minutes, 1 hour and five times a day. What is unclear after the last one is an alarm.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog

from services.billing.domain.payment import CHECK_DELAYS
from services.billing.use_cases.ports import BillingUnitOfWork

log = structlog.get_logger("janitor")

FETCH_STRIPE = "fetch_stripe_object"
FETCH_CHANNEL = "fetch_channel_object"


def look_later(timer: str, subject: object, checks: int, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Set *timer* for the look that follows *checks* of them; after the last one it comes once more to say so."""
    delay = CHECK_DELAYS[min(checks, len(CHECK_DELAYS) - 1)]
    uow.set_timer(timer, subject, now + delay)


def look(
    timer: str, subject: object, checks: int, asked: Sequence[Mapping[str, str]], *, uow: BillingUnitOfWork,
    now: datetime, call: str = FETCH_STRIPE,
) -> None:  # fmt: skip
    """
    Ask the institution how *asked* (each a kind of object and an id) stand, and set the timer for the next look.

    Args:
        timer: Its kind; part of the call's key, as *subject* is.
        subject: Of the timer for the next look.
        checks: How many looks there were with this one.
        asked: Nothing where the institution has not told us an id yet: the call that makes it is still tried.
        uow: The transaction of this look.
        now: Its time.
        call: The outside call that asks.
    """
    if checks > len(CHECK_DELAYS):
        log.error("the payment institution leaves something unclear", timer=timer, subject=str(subject),
                  asked=[each["id"] for each in asked])  # fmt: skip
        return
    for each in asked:
        uow.call_outside(call, f"{timer}:{subject}:{checks}:{each['id']}", each)
    look_later(timer, subject, checks, uow=uow, now=now)
