"""Webhooks of the payment institution: stored as they came; what they are about is fetched anew."""

from datetime import datetime, timedelta

import structlog

from services.billing.use_cases import janitor
from services.billing.use_cases.ports import BillingUnitOfWork, VerifiedEvent, VerifyWebhook
from services.shared.kernel.actor import Actor, require
from services.shared.messages.billing.payment import RecordStripeEvent, StripeEventReceipt

log = structlog.get_logger("stripe_event")

SWEEP_TIMER = "sweep_stripe_events"
SWEEP_EVERY = timedelta(minutes=5)
UNHANDLED_AFTER = timedelta(minutes=10)
SWEEPS_MAX = 5
SWEPT_AT_ONCE = 100


def record_stripe_event(
    command: RecordStripeEvent, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, verify: VerifyWebhook
) -> StripeEventReceipt:
    """
    Store a webhook and ask for what it is about to be fetched, in one transaction: none is stored and forgotten.

    Raises:
        SignatureInvalid: It did not come from the payment institution, or not just now.
        ModeMismatch: It did, and is of test mode where we are live or the other way round.
    """
    require(actor, command.grants, {})
    return store(verify(command.body, command.signature), command.body, uow=uow, now=now)


def store(event: VerifiedEvent, body: str, *, uow: BillingUnitOfWork, now: datetime) -> StripeEventReceipt:
    """Keep *event*, of Stripe or of the splitting channel, and ask for what it is about, once."""
    fresh = uow.stripe_events.add(event, body, now)
    if fresh and event.about is not None:
        _fetch(event.event_id, event.about, f"stripe_event:{event.event_id}", uow)
    return StripeEventReceipt(stripe_event_id=event.event_id, seen_before=not fresh)


def sweep_stripe_events(subject: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """Timer: what was stored and never handled, whyever, is fetched again; what stays so raises an alarm."""
    for event in uow.stripe_events.unhandled(now - UNHANDLED_AFTER, SWEPT_AT_ONCE):
        if event.sweeps > SWEEPS_MAX:
            log.error("a webhook stays unhandled", stripe_event=event.event_id,
                      received_at=event.received_at.isoformat(), about="/".join(event.about))  # fmt: skip
        else:
            _fetch(event.event_id, event.about, f"stripe_event:{event.event_id}:sweep:{event.sweeps}", uow)
    uow.set_timer(SWEEP_TIMER, subject, now + SWEEP_EVERY)


def _fetch(event_id: str, about: tuple[str, str], key: str, uow: BillingUnitOfWork) -> None:
    kind, ident = about
    call = janitor.FETCH_CHANNEL if kind.startswith("channel_") else janitor.FETCH_STRIPE
    uow.call_outside(call, key, {"object": kind, "id": ident, "stripe_event_id": event_id})
