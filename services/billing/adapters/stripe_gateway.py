"""
What billing asks of Stripe, as outside calls make it: JSON in, JSON out.

Each call raises `Unavailable` to be tried again and a `Refused` when it will never succeed. Whatever
makes something is harmless when repeated: see `stripe_access.py`.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from services.billing.adapters import stripe_facts as facts
from services.billing.adapters.stripe_access import StripeAccess, StripeRefused, answers_for_ever, give_up

if TYPE_CHECKING:
    import stripe

INTENT = ["latest_charge.balance_transaction"]
REFUND = ["balance_transaction"]
DISPUTE = ["payment_intent"]
PAYOUT = ["balance_transaction", "failure_balance_transaction"]
# Younger than this an intent may be missing from search and must be looked for in the list.
SEARCH_LAG = timedelta(minutes=10)

Payload = Mapping[str, Any]
T = TypeVar("T")


class StripeGateway:
    """Payment intents, refunds, transfers."""

    def __init__(self, access: StripeAccess) -> None:
        self.access = access
        self.readers: dict[str, Callable[[str], Payload]] = {
            "payment_intent": self._payment_intent,
            "refund": self._refund,
            "charge": self._refunds_of_charge,
            "transfer": self._transfer,
            "payout": self._payout,
            "account": self._account,
            "dispute": self._dispute,
            "checkout.session": self._session,
        }

    @property
    def client(self) -> "stripe.StripeClient":
        return self.access.client

    def fetch(self, payload: Payload, key: str) -> Payload:
        """How *payload*'s `object` of that `id` stands now, whatever a webhook said of it."""
        del key
        import stripe

        try:
            return self.readers[str(payload["object"])](str(payload["id"]))
        except stripe.StripeError as error:
            give_up(error)

    def create_payment_intent(self, payload: Payload, key: str) -> Payload:
        """The one payment intent of a payment, made if there is none."""
        del key
        payment_id = str(payload["payment_id"])

        def create(own: str) -> "stripe.PaymentIntent":
            return self.client.v1.payment_intents.create(
                {
                    "amount": int(payload["amount"]),
                    "currency": str(payload["currency"]).lower(),
                    "metadata": {
                        "payment_id": payment_id,
                        "order_id": str(payload["order_id"]),
                        "order_number": str(payload["order_number"]),
                    },
                    # Nobody is sent to another site: that is what checkout sessions are for.
                    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                    "expand": INTENT,
                },
                {"idempotency_key": own},
            )

        made = self.access.make_once(
            "payment_intent", payment_id, lambda: self._found(payment_id), create,
            find_young=lambda: self._found_anywhere(payment_id),
        )  # fmt: skip
        return facts.of_payment_intent(made)

    def cancel_payment_intent(self, payload: Payload, key: str) -> Payload:
        """
        Nobody may pay it any more; returns how it stands now, which may be paid: the customer was quicker.

        One that was never made is left unmade.
        """
        del key
        import stripe

        intent_id = payload["payment_intent_id"]
        try:
            if intent_id is None:
                found = self._found_anywhere(str(payload["payment_id"]))
                if found is None:
                    return {}
                intent_id = found.id
            self.client.v1.payment_intents.cancel(
                str(intent_id),
                {"cancellation_reason": "abandoned"},
                {"idempotency_key": self.access.key("cancel_payment_intent", str(intent_id))},
            )
        except stripe.InvalidRequestError as error:
            # Paid or cancelled before. Anything else cannot be mended by us either, and fetching shows the truth.
            if error.code != "payment_intent_unexpected_state":
                give_up(error)
        except stripe.StripeError as error:
            if not answers_for_ever(error):
                give_up(error)
        return self.fetch({"object": "payment_intent", "id": intent_id}, "")

    def create_checkout_session(self, payload: Payload, key: str) -> Payload:
        """
        The one session of a checkout, made if there is none, after the one before it is closed.

        Returns:
            How it stands; or how `former_session_id` does, if the customer has paid on that one.
        """
        del key
        checkout_id = str(payload["checkout_id"])
        if payload["former_session_id"] is not None:
            former = self.expire_checkout_session({"session_id": payload["former_session_id"]}, "")
            if former["status"] == "complete":
                return former
        ours = {
            "checkout_id": checkout_id,
            "payment_id": str(payload["payment_id"]),
            "order_id": str(payload["order_id"]),
            "order_number": str(payload["order_number"]),
        }

        def find() -> "stripe.checkout.Session | None":
            # Nobody can have paid on it: its address was never told.
            listed = self.client.v1.checkout.sessions.list({"status": "open", "limit": 100})
            return _ours(listed.auto_paging_iter(), "checkout_id", checkout_id)

        def create(own: str) -> "stripe.checkout.Session":
            return self.client.v1.checkout.sessions.create(
                {
                    "mode": "payment",
                    "client_reference_id": checkout_id,
                    "line_items": [
                        {
                            "quantity": 1,
                            "price_data": {
                                "currency": str(payload["currency"]).lower(),
                                "unit_amount": int(payload["amount"]),
                                "product_data": {"name": str(payload["order_number"])},
                            },
                        }
                    ],
                    "success_url": str(payload["success_url"]),
                    "cancel_url": str(payload["cancel_url"]),
                    "metadata": ours,
                    # What is paid is told by the intent, which must name its payment too.
                    "payment_intent_data": {"metadata": ours},
                },
                {"idempotency_key": own},
            )

        return facts.of_session(self.access.make_once("checkout_session", checkout_id, find, create))

    def expire_checkout_session(self, payload: Payload, key: str) -> Payload:
        """Nobody may pay on it any more; returns how it stands now, which may be paid: the customer was quicker."""
        del key
        import stripe

        session_id = str(payload["session_id"])
        try:
            self.client.v1.checkout.sessions.expire(session_id)
        except stripe.InvalidRequestError:
            pass  # it is over already; fetching shows in which way, or that there is none
        except stripe.StripeError as error:
            give_up(error)
        return self.fetch({"object": "checkout.session", "id": session_id}, "")

    def create_refund(self, payload: Payload, key: str) -> Payload:
        """
        The one refund of ours, made if there is none: `refund_id, payment_id, charge_id, amount, currency, reason`.

        Raises:
            StripeRefused: More than is left of the charge, or the charge is disputed.
        """
        del key
        refund_id, charge_id = str(payload["refund_id"]), str(payload["charge_id"])

        def find() -> "stripe.Refund | None":
            return _ours(
                self.client.v1.refunds.list(
                    {"charge": charge_id, "limit": 100, "expand": [f"data.{each}" for each in REFUND]}
                ).auto_paging_iter(),
                "refund_id", refund_id,
            )  # fmt: skip

        def create(own: str) -> "stripe.Refund":
            return self.client.v1.refunds.create(
                {
                    "charge": charge_id,
                    "amount": int(payload["amount"]),
                    "reason": "requested_by_customer",
                    # Stripe knows three reasons; ours stands beside.
                    "metadata": {
                        "refund_id": refund_id,
                        "payment_id": str(payload["payment_id"]),
                        "reason": str(payload["reason"])[:500],
                    },
                    "expand": REFUND,
                },
                {"idempotency_key": own},
            )

        return facts.of_refund(self.access.make_once("refund", refund_id, find, create))

    def create_transfer(self, payload: Payload, key: str) -> Payload:
        """
        The one transfer of a payout to a connected account, made if there is none.

        *payload*: `payout_id, account, amount, currency`; the money must be available now.

        Raises:
            StripeRefused: There is too little money, or the account cannot receive.
        """
        del key
        payout_id = str(payload["payout_id"])
        group = f"payout:{payout_id}"

        def find() -> "stripe.Transfer | None":
            return _ours(
                self.client.v1.transfers.list({"transfer_group": group, "limit": 100}).auto_paging_iter(),
                "payout_id", payout_id,
            )  # fmt: skip

        def create(own: str) -> "stripe.Transfer":
            return self.client.v1.transfers.create(
                {
                    "amount": int(payload["amount"]),
                    "currency": str(payload["currency"]).lower(),
                    "destination": str(payload["account"]),
                    "transfer_group": group,
                    "metadata": {"payout_id": payout_id},
                },
                {"idempotency_key": own},
            )

        return facts.of_transfer(self.access.make_once("transfer", payout_id, find, create))

    def reverse_transfer(self, payload: Payload, key: str) -> Payload:
        """
        Take `amount` of `transfer_id` back from the connected account, once for `reversal_id`. Returns the transfer.

        Raises:
            StripeRefused: More than is left of it, or than the account holds.
        """
        del key
        transfer_id, reversal_id = str(payload["transfer_id"]), str(payload["reversal_id"])

        def find() -> "stripe.TransferReversal | None":
            return _ours(
                self.client.v1.transfers.reversals.list(transfer_id, {"limit": 100}).auto_paging_iter(),
                "reversal_id", reversal_id,
            )  # fmt: skip

        def create(own: str) -> "stripe.TransferReversal":
            return self.client.v1.transfers.reversals.create(
                transfer_id,
                {"amount": int(payload["amount"]), "metadata": {"reversal_id": reversal_id}},
                {"idempotency_key": own},
            )

        self.access.make_once("transfer_reversal", reversal_id, find, create)
        return self.fetch({"object": "transfer", "id": transfer_id}, "")

    def submit_dispute_evidence(self, payload: Payload, key: str) -> Payload:
        """
        Write `evidence` to a dispute, and with `submit` send it to the bank, once for `evidence_id`.

        *payload*'s `submissions`: how many there were before; one more means that it was sent. `due_at`: from then on
        (ISO 8601) nothing is sent; none: no deadline.

        Raises:
            StripeRefused: The institution does not take it, or its deadline has passed.
        """
        del key
        dispute_id, before = str(payload["stripe_dispute_id"]), int(payload["submissions"])

        def find() -> "stripe.Dispute | None":
            dispute = self.client.v1.disputes.retrieve(dispute_id, {"expand": DISPUTE})
            return dispute if payload["submit"] and dispute.evidence_details.submission_count > before else None

        def create(own: str) -> "stripe.Dispute":
            due_at = payload.get("due_at")
            if due_at is not None and self.access.clock.wall() >= datetime.fromisoformat(due_at):
                raise StripeRefused("the deadline has passed", reason="evidence_past_due")
            return self.client.v1.disputes.update(
                dispute_id,
                {"evidence": payload["evidence"], "submit": bool(payload["submit"]), "expand": DISPUTE},
                {"idempotency_key": own},
            )

        return facts.of_dispute(self.access.make_once("dispute_evidence", str(payload["evidence_id"]), find, create))

    def _payment_intent(self, intent_id: str) -> Payload:
        return facts.of_payment_intent(self.client.v1.payment_intents.retrieve(intent_id, {"expand": INTENT}))

    def _refund(self, refund_id: str) -> Payload:
        return facts.of_refund(self.client.v1.refunds.retrieve(refund_id, {"expand": REFUND}))

    def _refunds_of_charge(self, charge_id: str) -> Payload:
        listed = self.client.v1.refunds.list(
            {"charge": charge_id, "limit": 100, "expand": [f"data.{each}" for each in REFUND]}
        )
        return {"object": "charge", "refunds": [facts.of_refund(refund) for refund in listed.auto_paging_iter()]}

    def _session(self, session_id: str) -> Payload:
        return facts.of_session(self.client.v1.checkout.sessions.retrieve(session_id))

    def _dispute(self, dispute_id: str) -> Payload:
        return facts.of_dispute(self.client.v1.disputes.retrieve(dispute_id, {"expand": DISPUTE}))

    def _payout(self, payout_id: str) -> Payload:
        return facts.of_payout(self.client.v1.payouts.retrieve(payout_id, {"expand": PAYOUT}))

    def _transfer(self, transfer_id: str) -> Payload:
        return facts.of_transfer(self.client.v1.transfers.retrieve(transfer_id))

    def _account(self, account_id: str) -> Payload:
        import stripe

        try:
            return facts.of_account(self.client.v1.accounts.retrieve(account_id))
        except stripe.PermissionError as error:
            if error.code != "account_invalid":
                raise
            # It has left our platform: nothing can be sent to it, and nothing more is to be learnt of it.
            return facts.of_no_account(account_id)

    def _found(self, payment_id: str) -> "stripe.PaymentIntent | None":
        """The intent of a payment, once search knows it."""
        query = f"metadata['payment_id']:'{payment_id}'"
        matches = self.client.v1.payment_intents.search(
            {"query": query, "limit": 100, "expand": [f"data.{each}" for each in INTENT]}
        ).data
        return _ours(_own(matches), "payment_id", payment_id)

    def _found_anywhere(self, payment_id: str) -> "stripe.PaymentIntent | None":
        """Likewise, also where it is too young for search: the list shows it at once."""
        found = self._found(payment_id)
        if found is None:
            since = int((self.access.clock.wall() - SEARCH_LAG).timestamp())
            young = self.client.v1.payment_intents.list(
                {"created": {"gte": since}, "limit": 100, "expand": [f"data.{each}" for each in INTENT]}
            )
            found = _ours(_own(young.auto_paging_iter()), "payment_id", payment_id)
        return found


def _ours(listed: Iterable[T], name: str, ident: str) -> T | None:
    """Of *listed* the one whose metadata names *ident*; were there ever two, everybody settles on the same."""
    matches = [each for each in listed if facts.metadata_of(each).get(name) == ident]
    return min(matches, key=_age, default=None)


def _age(thing: Any) -> tuple[int, str]:
    return thing.created, thing.id


def _own(intents: "Iterable[stripe.PaymentIntent]") -> "Iterable[stripe.PaymentIntent]":
    """Without those that pages made, which bear their payment's id too."""
    return (intent for intent in intents if "checkout_id" not in facts.metadata_of(intent))
