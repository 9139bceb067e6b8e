"""
The way to Stripe: its client, its errors as ours, and how a thing is made there exactly once.

A call may end in three ways: done, refused, or nobody knows. After the third nothing may be done
blindly. Making a thing (a payment intent, a refund, a transfer) is therefore safe to repeat from the
start, with no memory of its own; `StripeAccess.make_once` does so:

1. Look for the thing by our own id in its metadata. After a day Stripe forgets keys, not things.
2. Create under the key `{env}:{kind}:{our id}:{n}`, n from 1. The same key answers the same.
3. A 500 is stored by Stripe and answered again under its key for a day, even where it had an effect.
   So look again, with what is too young for search too, and only where there is nothing go on with
   n + 1. Numbers are tried from 1 each time, which is harmless: each answers as it did before.
4. No answer, 409 (the key is being worked on) and 429 leave the same key to be tried later.
"""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from services.shared.chassis.clock import Clock
from services.shared.kernel.errors import Conflict, Unavailable

if TYPE_CHECKING:
    import stripe

T = TypeVar("T")

TIMEOUT_S = 20.0
ATTEMPTS_MAX = 5
LIVE = "https://api.stripe.com"


class StripeRefused(Conflict):
    """The payment institution refused; asking again would not help."""

    code = "billing.stripe_refused"


class StripeUnavailable(Unavailable):
    """The payment institution does not answer, or not yet."""

    code = "billing.stripe_unavailable"


class StripeAccess:
    """*environment*: first part of every idempotency key."""

    def __init__(self, api_key: str, api_base: str, environment: str, clock: Clock) -> None:
        self.api_key = api_key
        self.api_base = api_base
        self.environment = environment
        self.clock = clock

    @cached_property
    def client(self) -> "stripe.StripeClient":
        import stripe  # heavy: loaded by the first call

        return stripe.StripeClient(
            self.api_key,
            base_addresses=self._addresses(),
            http_client=stripe.RequestsClient(timeout=TIMEOUT_S),
            # Retries are ours: the SDK would make up a key of its own, which a crash forgets.
            max_network_retries=0,
        )

    def _addresses(self) -> Any:
        """Stripe takes files at an address of its own; a stand-in has one for all."""
        return {"api": self.api_base} if self.api_base == LIVE else {"api": self.api_base, "files": self.api_base}

    def key(self, kind: str, ident: str, attempt: int = 1) -> str:
        """The idempotency key of an attempt at *kind* for our *ident*."""
        return f"{self.environment}:{kind}:{ident}:{attempt}"

    def make_once(
        self, kind: str, ident: str, find: Callable[[], T | None], create: Callable[[str], T],
        find_young: Callable[[], T | None] | None = None,
    ) -> T:  # fmt: skip
        """
        The one thing of *kind* for our *ident*, made if there is none.

        Args:
            kind: Second part of the idempotency key.
            ident: Third part.
            find: Looks for it.
            create: Makes it under the key it is given.
            find_young: Looks for it where *find* sees only what is a minute old; else *find* does.

        Raises:
            StripeRefused: It will never be made as it was asked.
            StripeUnavailable: It may have been made or not: to be repeated.
        """
        import stripe

        try:
            found = find()
            for attempt in range(1, ATTEMPTS_MAX + 1):
                if found is not None:
                    return found
                try:
                    return create(self.key(kind, ident, attempt))
                except stripe.StripeError as error:
                    if not answers_for_ever(error):
                        raise
                found = (find_young or find)()
        except stripe.StripeError as error:
            give_up(error)
        if found is None:
            raise StripeUnavailable("every attempt was answered with an error")
        return found


def answers_for_ever(error: "stripe.StripeError") -> bool:
    """Whether Stripe has stored this answer under the key: the key is used up, with or without an effect."""
    import stripe

    if isinstance(error, stripe.IdempotencyError):
        return True
    return isinstance(error, stripe.APIError) and (error.http_status or 0) >= 500


def give_up(error: "stripe.StripeError") -> NoReturn:
    """Turn *error* into ours: to be tried again, or never."""
    import stripe

    if isinstance(error, stripe.InvalidRequestError | stripe.CardError):
        raise StripeRefused(str(error), reason=str(error.code or "")) from error
    raise StripeUnavailable(f"{type(error).__name__} {error.http_status or ''}".strip()) from error
