"""Looking again at what a finance system has left unclear, or has set aside for a time only."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from services.billing.domain.payment import CHECK_DELAYS
from services.billing.use_cases import funding, janitor
from services.billing.use_cases.ports import BillingUnitOfWork

log = structlog.get_logger("funding")


def unanswered(payload: Mapping[str, Any], *, uow: BillingUnitOfWork, now: datetime) -> None:
    """The finance system did not answer, however often it was asked: it is looked at later what became of it."""
    order, made = funding.locked(UUID(payload["funding_id"]), uow)
    if made.settled or payload["asked"] != made.asked:
        return
    log.error("a finance system does not answer", order=order.number, wanted=made.wanted)
    funding.doubt(made, uow, now)
    uow.fundings.save(made)


def check_funding(subject: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Ask again what was left unclear; after the last time it is an alarm, and a person may ask again."""
    order, made = funding.locked(UUID(subject), uow)
    if made.state != "unknown":
        return
    made.checks += 1
    if made.checks > len(CHECK_DELAYS):
        log.error("a finance system leaves something unclear", order=order.number, funding=subject)
    else:
        funding.ask(made, uow)
        janitor.look_later(funding.CHECK_TIMER, made.funding_id, made.checks, uow=uow, now=now)
    uow.fundings.save(made)


def look_whether_lapsed(subject: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Its time is over: where it has lapsed, it is made anew."""
    del now
    _, made = funding.locked(UUID(subject), uow)
    if made.state == "reserved" and made.wanted == "reserved":
        funding.ask(made, uow)
        uow.fundings.save(made)
