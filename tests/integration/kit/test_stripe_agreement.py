"""
What must be true of Stripe and of the stand-in alike.

Runs against the stand-in always, and against Stripe's test mode too when `YIQI_STRIPE_TEST_KEY` holds a test key.
What is written there stays: a few small test payments and an unused checkout session per run.
"""

import os
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.kit.stripe_control import StripeStandIn
from tests.kit.stripe_sdk import CARD_PAYMENT, charge_of, sdk

STRIPE = "https://api.stripe.com"
TEST_KEY = os.environ.get("YIQI_STRIPE_TEST_KEY", "")
EVENT_DELAY_S_MAX = 30
NO_REDIRECTS = CARD_PAYMENT["automatic_payment_methods"]
# Stripe's default captures asynchronously, and the balance transaction would come only later.
PAYMENT: dict[str, Any] = {**CARD_PAYMENT, "amount": 2000, "currency": "usd", "capture_method": "automatic"}


@pytest.fixture(
    params=[
        "stand-in",
        pytest.param(
            "stripe", marks=pytest.mark.skipif(not TEST_KEY, reason="YIQI_STRIPE_TEST_KEY is not set: no test mode")
        ),
    ]
)
def address(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Base address and secret key of the side under test."""
    if request.param == "stripe":
        if not TEST_KEY.startswith(("sk_test_", "rk_test_")):
            pytest.fail("YIQI_STRIPE_TEST_KEY is not a key of Stripe's test mode")
        return STRIPE, TEST_KEY
    running: StripeStandIn = request.getfixturevalue("running")
    return running.url, running.api_key


@pytest.fixture
def side(address: tuple[str, str]) -> Iterator[stripe.StripeClient]:
    with sdk(*address, retries=2, timeout_s=30) as client:
        yield client


def create(side: stripe.StripeClient, key: str | None = None, **more: Any) -> stripe.PaymentIntent:
    params: Any = {**PAYMENT, **more}
    return side.v1.payment_intents.create(params, {"idempotency_key": key or str(uuid.uuid4())})


def test_wrong_key_is_refused(address: tuple[str, str]) -> None:
    with sdk(address[0], "sk_test_nobody") as stranger, pytest.raises(stripe.AuthenticationError) as refused:
        stranger.v1.balance.retrieve()
    assert refused.value.http_status == 401


def test_payment_has_one_charge_whose_net_is_amount_less_fees(side: stripe.StripeClient) -> None:
    intent = create(side, expand=["latest_charge.balance_transaction"], metadata={"order": "o-1"})
    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    txn = charge.balance_transaction
    assert isinstance(txn, stripe.BalanceTransaction)
    assert (intent.status, intent.amount_received, charge.status, charge.paid) == ("succeeded", 2000, "succeeded", True)
    assert charge.metadata.to_dict() == {"order": "o-1"}
    assert txn.type == "charge"
    assert txn.source == charge.id
    assert txn.fee == sum(line.amount for line in txn.fee_details) > 0
    assert txn.net == txn.amount - txn.fee


def test_decline_is_402_and_the_intent_can_be_paid_with_another_card(side: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError) as declined:
        create(side, payment_method="pm_card_visa_chargeDeclined")
    error = declined.value.error
    assert declined.value.http_status == 402
    assert error is not None
    assert (error.code, error.decline_code) == ("card_declined", "generic_decline")
    assert error.payment_intent is not None
    intent = side.v1.payment_intents.retrieve(error.payment_intent.id)
    assert intent.status == "requires_payment_method"
    assert side.v1.charges.retrieve(charge_of(intent)).status == "failed"
    assert side.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"}).status == "succeeded"


def test_authentication_sends_the_customer_to_the_bank(side: stripe.StripeClient) -> None:
    intent = create(
        side,
        payment_method="pm_card_authenticationRequired",
        return_url="https://shop.example/back",
        automatic_payment_methods={"enabled": True},
    )
    assert intent.status == "requires_action"
    assert intent.latest_charge is None
    assert intent.next_action is not None
    assert intent.next_action.redirect_to_url is not None
    assert intent.next_action.redirect_to_url.return_url == "https://shop.example/back"
    assert side.v1.payment_intents.cancel(intent.id).status == "canceled"


def test_redirecting_methods_need_a_return_url(side: stripe.StripeClient) -> None:
    params: Any = {"amount": 2000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
    automatic: Any = params | {"automatic_payment_methods": {"enabled": True}}
    with pytest.raises(stripe.InvalidRequestError, match="return_url"):
        side.v1.payment_intents.create(automatic)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": 1}, "amount_too_small"),
        ({"amount": 999_999_999_999}, "amount_too_large"),
        ({"amount": "12.5"}, "parameter_invalid_integer"),
        ({"nonsense": "x"}, "parameter_unknown"),
        ({"payment_method": "pm_nobody"}, "resource_missing"),
        ({"customer": "cus_nobody"}, "resource_missing"),
    ],
)
def test_bad_parameters_are_refused(side: stripe.StripeClient, change: dict[str, Any], code: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        create(side, **change)
    assert refused.value.code == code


def test_unknown_ids_are_404(side: stripe.StripeClient) -> None:
    for read in (side.v1.payment_intents.retrieve, side.v1.charges.retrieve, side.v1.refunds.retrieve):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            read("xx_nobody")
        assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


def test_same_key_replays_and_other_parameters_are_refused(side: stripe.StripeClient) -> None:
    key = str(uuid.uuid4())
    first = create(side, key)
    again = create(side, key)
    assert again.id == first.id
    assert again.last_response is not None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError) as refused:
        create(side, key, amount=2001)
    assert refused.value.http_status == 400


def test_declines_are_replayed_and_validation_failures_are_not(side: stripe.StripeClient) -> None:
    key = str(uuid.uuid4())
    intents = set()
    for _ in range(2):
        with pytest.raises(stripe.CardError) as declined:
            create(side, key, payment_method="pm_card_visa_chargeDeclined")
        assert declined.value.error is not None
        assert declined.value.error.payment_intent is not None
        intents.add(declined.value.error.payment_intent.id)
    assert len(intents) == 1
    other = str(uuid.uuid4())
    with pytest.raises(stripe.InvalidRequestError):
        create(side, other, nonsense="x")
    assert create(side, other).status == "succeeded"


def test_refunds_add_up_to_the_charge_and_no_further(side: stripe.StripeClient) -> None:
    intent = create(side)
    first = side.v1.refunds.create({"payment_intent": intent.id, "amount": 700})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        side.v1.refunds.create({"payment_intent": intent.id, "amount": 1301})
    assert refused.value.http_status == 400
    rest = side.v1.refunds.create({"charge": charge_of(intent)})
    assert (first.amount, rest.amount) == (700, 1300)
    charge = side.v1.charges.retrieve(charge_of(intent), {"expand": ["refunds"]})
    assert (charge.amount_refunded, charge.refunded) == (2000, True)
    assert charge.refunds is not None
    assert {refund.id for refund in charge.refunds.data} == {first.id, rest.id}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        side.v1.refunds.create({"charge": charge_of(intent)})
    assert refused.value.code == "charge_already_refunded"


def test_unpaid_intent_cannot_be_refunded(side: stripe.StripeClient) -> None:
    intent = side.v1.payment_intents.create(
        {"amount": 2000, "currency": "usd", "automatic_payment_methods": NO_REDIRECTS}
    )
    with pytest.raises(stripe.InvalidRequestError):
        side.v1.refunds.create({"payment_intent": intent.id})


def test_canceled_intent_cannot_be_confirmed(side: stripe.StripeClient) -> None:
    intent = side.v1.payment_intents.create(
        {"amount": 2000, "currency": "usd", "automatic_payment_methods": NO_REDIRECTS}
    )
    canceled = side.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        side.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert refused.value.code == "payment_intent_unexpected_state"


def test_metadata_is_merged_and_lists_are_paged_newest_first(side: stripe.StripeClient) -> None:
    customer = side.v1.customers.create({"email": "finance@lab.example", "metadata": {"org": "7"}})
    made = [
        side.v1.payment_intents.create(
            {
                "amount": 2000,
                "currency": "usd",
                "customer": customer.id,
                "metadata": {"order": f"o-{n}"},
                "automatic_payment_methods": NO_REDIRECTS,
            }
        ).id
        for n in range(3)
    ]
    side.v1.payment_intents.update(made[0], {"metadata": {"note": "x"}})
    changed = side.v1.payment_intents.update(made[0], {"metadata": {"order": ""}})
    assert changed.metadata.to_dict() == {"note": "x"}
    first = side.v1.payment_intents.list({"customer": customer.id, "limit": 2})
    # Objects of one second have no promised order at Stripe, so the pages are compared as sets.
    rest = side.v1.payment_intents.list({"customer": customer.id, "limit": 2, "starting_after": first.data[-1].id})
    assert (len(first.data), first.has_more, len(rest.data), rest.has_more) == (2, True, 1, False)
    assert {intent.id for intent in (*first.data, *rest.data)} == set(made)


def test_checkout_session_has_no_intent_until_paid_and_expires_once(side: stripe.StripeClient) -> None:
    session = side.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "https://shop.example/ok",
            "line_items": [
                {"quantity": 2, "price_data": {"currency": "usd", "unit_amount": 1500, "product_data": {"name": "SEM"}}}
            ],
        }
    )
    assert (session.status, session.payment_status, session.amount_total) == ("open", "unpaid", 3000)
    assert session.payment_intent is None
    assert session.url
    assert side.v1.checkout.sessions.expire(session.id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError):
        side.v1.checkout.sessions.expire(session.id)


def test_events_tell_of_a_payment(side: stripe.StripeClient) -> None:
    intent = create(side)
    deadline = time.monotonic() + EVENT_DELAY_S_MAX
    told: set[str] = set()
    while "payment_intent.succeeded" not in told and time.monotonic() < deadline:
        page = side.v1.events.list(
            {"created": {"gte": intent.created}, "type": "payment_intent.succeeded", "limit": 100}
        )
        told = {event.type for event in page.data if event.data.object["id"] == intent.id}
        if not told:
            time.sleep(1)
    assert told == {"payment_intent.succeeded"}


def test_every_answer_has_a_request_id(side: stripe.StripeClient) -> None:
    balance = side.v1.balance.retrieve()
    assert balance.last_response is not None
    assert str(balance.last_response.request_id).startswith("req_")
    assert balance.available[0].currency
