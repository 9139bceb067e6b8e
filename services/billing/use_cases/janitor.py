"""
Asking the payment institution about what it should have told us: a webhook may be lost for ever.

Looks come after 1 minute, 5 minutes, 1 hour and five times a day. What is unclear after the last one is an alarm.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import structlog

from services.billing.domain.payment import CHECK_DELAYS
from services.billing.use_cases.ports import BillingUnitOfWork

log = structlog.get_logger("janitor")


def look_later(timer: str, ident: UUID, checks: int, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Set *timer* for the look that follows *checks* of them; after the last one it comes once more to say so."""
    delay = CHECK_DELAYS[min(checks, len(CHECK_DELAYS) - 1)]
    uow.set_timer(timer, ident, now + delay)


def look(
    timer: str, ident: UUID, checks: int, asked: Mapping[str, str] | None, *, uow: BillingUnitOfWork, now: datetime
) -> None:
    """
    Ask the institution how *asked* (kind of object and id) stands, and set the timer for the next look.

    Args:
        timer: Its kind; part of the call's key.
        ident: Ours, the timer's subject.
        checks: How many looks there were with this one.
        asked: None where the institution has not told us its id yet: the call that makes it is still tried.
        uow: The transaction of this look.
        now: Its time.
    """
    if checks > len(CHECK_DELAYS):
        log.error("the payment institution leaves something unclear", timer=timer, subject=str(ident), asked=asked)
        return
    if asked is not None:
        uow.call_outside("fetch_stripe_object", f"{timer}:{ident}:{checks}", asked)
    look_later(timer, ident, checks, uow=uow, now=now)
