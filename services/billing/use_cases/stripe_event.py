"""Webhooks of the payment institution: stored as they came; what they are about is fetched anew."""

from datetime import datetime

from services.billing.use_cases.ports import BillingUnitOfWork, VerifyWebhook
from services.shared.kernel.actor import Actor, require
from services.shared.messages.billing.payment import RecordStripeEvent, StripeEventReceipt


def record_stripe_event(
    command: RecordStripeEvent, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, verify: VerifyWebhook
) -> StripeEventReceipt:
    """
    Store a webhook and ask for what it is about to be fetched, in one transaction: none is stored and forgotten.

    Raises:
        SignatureInvalid: It did not come from the payment institution, or not just now.
    """
    require(actor, command.grants, {})
    event = verify(command.body, command.signature)
    fresh = uow.stripe_events.add(event.event_id, event.kind, command.body, event.intent_id, now)
    if fresh and event.intent_id is not None:
        uow.call_outside(
            "fetch_stripe_object",
            f"stripe_event:{event.event_id}",
            {"stripe_event_id": event.event_id, "payment_intent_id": event.intent_id},
        )
    return StripeEventReceipt(stripe_event_id=event.event_id, seen_before=not fresh)
