"""Webhooks of Stripe: whether one is genuine and of now, and what it is about."""

from services.billing.use_cases.ports import VerifiedEvent
from services.shared.chassis.clock import Clock
from services.shared.chassis.logs import logger
from services.shared.kernel.errors import Invalid

log = logger("stripe_events")

TOLERANCE_S = 300


class SignatureInvalid(Invalid):
    """This webhook was not signed by the payment institution, or not just now."""

    code = "billing.stripe_signature_invalid"


class StripeWebhooks:
    """*secret* of the endpoint; an empty one refuses everything instead of letting everything in."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self.secret = secret
        self.clock = clock

    def verify(self, body: str, signature: str) -> VerifiedEvent:
        """Raises SignatureInvalid: it is forged, altered, older or newer than five minutes, or no event."""
        import stripe

        if not self.secret:
            raise SignatureInvalid
        self._check_time(signature)
        try:
            event = stripe.Webhook.construct_event(body.encode(), signature, self.secret, tolerance=TOLERANCE_S)
            return VerifiedEvent(event_id=event.id, kind=event.type, intent_id=_intent_of(event))
        except (stripe.SignatureVerificationError, ValueError, AttributeError, KeyError, TypeError) as error:
            raise SignatureInvalid from error

    def _check_time(self, signature: str) -> None:
        # The SDK refuses old times only: with a future one a captured webhook could be sent for ever.
        times = [part.partition("=")[2] for part in signature.split(",") if part.strip().startswith("t=")]
        try:
            ahead_s = [int(time) - self.clock.wall().timestamp() for time in times]
        except ValueError as error:
            raise SignatureInvalid from error
        wrong_s = [ahead for ahead in ahead_s if abs(ahead) > TOLERANCE_S]
        if wrong_s or not ahead_s:
            # Told, because when all of them are off by as much it is our clock that is wrong.
            log.warning("webhook refused: its time is off", ahead_s=round(wrong_s[0]) if wrong_s else None)
            raise SignatureInvalid


def _intent_of(event: object) -> str | None:
    """The payment intent that the event's object is, or belongs to."""
    about = event.data.object  # type: ignore[attr-defined] # a StripeObject, whose members are made at run time
    if about.object == "payment_intent":
        return str(about.id)
    if about.object == "charge" and isinstance(about.payment_intent, str):
        return about.payment_intent
    return None
