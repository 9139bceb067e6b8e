"""
Stripe, over its own SDK. The only module that calls it.

A call may end in three ways: done, refused, or nobody knows. After the third nothing may be done
blindly. Making a payment intent is therefore safe to repeat from the start, with no memory of its own:

1. Look for an intent with our payment's id in its metadata. After a day Stripe forgets keys, not intents.
2. Create under the key `{env}:payment_intent:{payment}:{n}`, n from 1. The same key answers the same.
3. A 500 is stored by Stripe and answered again under its key for a day, even where it had an effect.
   So look again, in the list too, which shows at once what search shows after a minute, and only where
   there is nothing go on with n + 1. Numbers are tried from 1 each time, which is harmless: each
   answers as it did before.
4. No answer, 409 (the key is being worked on) and 429 leave the same key to be tried later.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from services.shared.chassis.clock import Clock
from services.shared.kernel.errors import Conflict, Unavailable

if TYPE_CHECKING:
    import stripe

TIMEOUT_S = 20.0
ATTEMPTS_MAX = 5
# Younger than this an intent may be missing from search and must be looked for in the list.
SEARCH_LAG = timedelta(minutes=10)


class StripeRefused(Conflict):
    """The payment institution refused; asking again would not help."""

    code = "billing.stripe_refused"


class StripeUnavailable(Unavailable):
    """The payment institution does not answer, or not yet."""

    code = "billing.stripe_unavailable"


class StripeGateway:
    """
    Calls as outside calls make them: JSON in, JSON out, `Unavailable` to be tried again, `Refused` for ever.

    Args:
        environment: First part of every idempotency key.
    """

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
            base_addresses={"api": self.api_base},
            http_client=stripe.RequestsClient(timeout=TIMEOUT_S),
            # Retries are ours: the SDK would make up a key of its own, which a crash forgets.
            max_network_retries=0,
        )

    def create_payment_intent(self, payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """The one payment intent of a payment, made if there is none."""
        del key
        import stripe

        payment_id = str(payload["payment_id"])
        found = self._found(payment_id, everywhere=False)
        for attempt in range(1, ATTEMPTS_MAX + 1):
            if found is not None:
                return facts_of(found)
            try:
                found = self.client.v1.payment_intents.create(
                    {
                        "amount": int(payload["amount"]),
                        "currency": str(payload["currency"]).lower(),
                        "metadata": {
                            "payment_id": payment_id,
                            "order_id": str(payload["order_id"]),
                            "order_number": str(payload["order_number"]),
                        },
                        # Nobody is sent to another site: the portal has no page to come back to.
                        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                        "expand": ["latest_charge.balance_transaction"],
                    },
                    {"idempotency_key": f"{self.environment}:payment_intent:{payment_id}:{attempt}"},
                )
            except stripe.StripeError as error:
                if not _answers_for_ever(error):
                    _give_up(error)
                found = self._found(payment_id, everywhere=True)
        if found is None:
            raise StripeUnavailable("every attempt was answered with an error")
        return facts_of(found)

    def fetch_payment_intent(self, payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """How a payment intent stands now, whatever a webhook said of it."""
        del key
        import stripe

        try:
            intent = self.client.v1.payment_intents.retrieve(
                str(payload["payment_intent_id"]), {"expand": ["latest_charge.balance_transaction"]}
            )
        except stripe.StripeError as error:
            _give_up(error)
        return facts_of(intent)

    def cancel_payment_intent(self, payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """
        Nobody may pay it any more; returns how it stands now, which may be paid: the customer was quicker.

        One that was never made is left unmade.
        """
        del key
        import stripe

        intent_id = payload["payment_intent_id"]
        try:
            if intent_id is None:
                found = self._found(str(payload["payment_id"]), everywhere=True)
                if found is None:
                    return {}
                intent_id = found.id
            self.client.v1.payment_intents.cancel(
                str(intent_id),
                {"cancellation_reason": "abandoned"},
                {"idempotency_key": f"{self.environment}:cancel_payment_intent:{payload['payment_id']}:1"},
            )
        except stripe.InvalidRequestError as error:
            # Paid or cancelled before. Anything else cannot be mended by us either, and fetching shows the truth.
            if error.code != "payment_intent_unexpected_state":
                _give_up(error)
        except stripe.StripeError as error:
            if not _answers_for_ever(error):
                _give_up(error)
        return self.fetch_payment_intent({"payment_intent_id": intent_id}, "")

    def _found(self, payment_id: str, *, everywhere: bool) -> "stripe.PaymentIntent | None":
        """
        The intent of a payment. *everywhere*: also among those too young for search.

        Raises:
            StripeUnavailable: Not to be told now.
        """
        import stripe

        query = f"metadata['payment_id']:'{payment_id}'"
        expand = ["data.latest_charge.balance_transaction"]
        try:
            matches: Iterable[stripe.PaymentIntent] = self.client.v1.payment_intents.search(
                {"query": query, "limit": 10, "expand": expand}
            ).data
            if everywhere and not matches:
                since = int((self.clock.wall() - SEARCH_LAG).timestamp())
                young = self.client.v1.payment_intents.list({"created": {"gte": since}, "limit": 100, "expand": expand})
                matches = [
                    intent for intent in young.auto_paging_iter() if _metadata(intent).get("payment_id") == payment_id
                ]
        except stripe.StripeError as error:
            _give_up(error)
        # Were there ever two, everybody must settle on the same one.
        return min(matches, key=lambda intent: (intent.created, intent.id), default=None)


def facts_of(intent: "stripe.PaymentIntent") -> dict[str, Any]:
    """What billing needs to know of *intent* (expanded), as JSON values; amounts in minor units."""
    charge = intent.latest_charge if not isinstance(intent.latest_charge, str) else None
    problem = intent.last_payment_error
    if intent.status == "succeeded":
        status = "succeeded"
    elif intent.status == "canceled":
        status = "cancelled"
    elif intent.status == "requires_payment_method" and problem is not None:
        status = "refused"
    else:
        status = "open"
    return {
        "intent_id": intent.id,
        "client_secret": intent.client_secret or "",
        "payment_id": _metadata(intent).get("payment_id", ""),
        "status": status,
        "received": intent.amount_received,
        "currency": intent.currency.upper(),
        "charge_id": charge.id if charge is not None else "",
        "balance": _balance(charge.balance_transaction) if charge is not None and status == "succeeded" else None,
        "failure": str(problem.decline_code or problem.code or "") if status == "refused" and problem else "",
    }


def _balance(booked: Any) -> dict[str, Any] | None:
    if booked is None or isinstance(booked, str):
        return None
    vat = sum(detail.amount for detail in booked.fee_details if detail.type == "tax")
    return {
        "balance_transaction_id": booked.id,
        "currency": booked.currency.upper(),
        "fee": booked.fee - vat,
        "fee_vat": vat,
    }


def _metadata(intent: "stripe.PaymentIntent") -> dict[str, str]:
    return intent.metadata.to_dict() if intent.metadata is not None else {}


def _answers_for_ever(error: "stripe.StripeError") -> bool:
    """Whether Stripe has stored this answer under the key: the key is used up, with or without an effect."""
    import stripe

    if isinstance(error, stripe.IdempotencyError):
        return True
    return isinstance(error, stripe.APIError) and (error.http_status or 0) >= 500


def _give_up(error: "stripe.StripeError") -> NoReturn:
    """Turn *error* into ours: to be tried again, or never."""
    import stripe

    if isinstance(error, stripe.InvalidRequestError | stripe.CardError):
        raise StripeRefused(str(error), reason=str(error.code or "")) from error
    raise StripeUnavailable(f"{type(error).__name__} {error.http_status or ''}".strip()) from error
