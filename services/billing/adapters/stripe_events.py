"""Webhooks of Stripe: whether one is genuine and of now, and what is to be fetched because of it."""

from collections.abc import Sequence
from typing import Any

from services.billing.use_cases.ports import VerifiedEvent
from services.shared.chassis.clock import Clock
from services.shared.chassis.logs import logger
from services.shared.kernel.errors import Invalid

log = logger("stripe_events")

TOLERANCE_S = 300
FETCHED = frozenset({"payment_intent", "checkout.session", "refund", "dispute", "payout", "transfer"})
"""Kinds of objects that an event leads to by themselves."""
ACCOUNT_EVENTS = frozenset({"account.updated", "account.application.deauthorized", "capability.updated"})
"""Those of a connected account's endpoint that say what it may."""


class SignatureInvalid(Invalid):
    """This webhook was not signed by the payment institution, or not just now."""

    code = "billing.stripe_signature_invalid"


class ModeMismatch(Invalid):
    """This webhook is of test mode and we are live, or the other way round."""

    code = "billing.stripe_mode_mismatch"


class StripeWebhooks:
    """
    Args:
        secrets: Of our endpoints; two while one is replaced, and another for connected accounts. None refuses
            everything instead of letting everything in.
        live: Whether ours is a live key: events of the other mode move no money of ours.
    """

    def __init__(self, secrets: Sequence[str], clock: Clock, *, live: bool = False) -> None:
        self.secrets = secrets
        self.clock = clock
        self.live = live

    def verify(self, body: str, signature: str) -> VerifiedEvent:
        """
        Raises:
            SignatureInvalid: It is forged, altered, older or newer than five minutes, or no event.
            ModeMismatch: It is genuine and of the other mode.
        """
        if not self.secrets:
            raise SignatureInvalid
        self._check_time(signature)
        try:
            event = self._event(body, signature)
            found = VerifiedEvent(event.id, event.type, about(event), str(getattr(event, "account", None) or ""))
            live = bool(event.livemode)
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise SignatureInvalid from error
        if live != self.live:
            raise ModeMismatch(live=live)
        return found

    def _event(self, body: str, signature: str) -> Any:
        import stripe

        for secret in self.secrets:
            try:
                return stripe.Webhook.construct_event(body.encode(), signature, secret, tolerance=TOLERANCE_S)
            except stripe.SignatureVerificationError:
                continue
        raise SignatureInvalid

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


def secrets_of(setting: str) -> tuple[str, ...]:
    """Of *setting*, separated by commas; an empty one is none."""
    return tuple(secret for each in setting.split(",") if (secret := each.strip()))


def about(event: Any) -> tuple[str, str] | None:
    """
    What is to be fetched because of *event*: kind of object and id. None: it is none of our business.

    A connected account's own payments, refunds and disputes bear the same names as ours and are not ours; of it we
    want to know only whether it may receive.
    """
    thing = event.data.object
    kind, ident = getattr(thing, "object", None), getattr(thing, "id", None)
    account = getattr(event, "account", None)
    if event.type in ACCOUNT_EVENTS and isinstance(account, str):
        return ("account", account)
    if account:
        return None
    if kind == "charge" and event.type == "charge.refunded":
        return ("charge", ident) if isinstance(ident, str) else None
    if kind == "charge":
        kind, ident = "payment_intent", getattr(thing, "payment_intent", None)
    return (kind, ident) if kind in FETCHED and isinstance(ident, str) else None
