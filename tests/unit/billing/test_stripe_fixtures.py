"""Every webhook and object that Stripe's own examples hold goes through our door; none of it is a surprise."""

import hashlib
import hmac
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
import stripe

from services.billing.adapters.stripe_events import StripeWebhooks
from services.billing.use_cases.stripe_event import record_stripe_event
from services.shared.chassis.clock import SystemClock
from services.shared.kernel.actor import PUBLIC
from services.shared.messages.billing.payment import RecordStripeEvent
from tests.kit.fakes_billing import NOW, FakeBillingUnitOfWork

FOLDER = Path(os.environ.get("YIQI_DATA_DIR", "")) / "stripe"
WEBHOOKS = sorted(FOLDER.glob("webhook/*.json"))
SECRET = "whsec_test"
OBJECTS: dict[str, type[stripe.StripeObject]] = {
    "account": stripe.Account,
    "balance_transaction": stripe.BalanceTransaction,
    "charge": stripe.Charge,
    "checkout.session": stripe.checkout.Session,
    "dispute": stripe.Dispute,
    "payment_intent": stripe.PaymentIntent,
    "refund": stripe.Refund,
    "transfer": stripe.Transfer,
}

needs_data = pytest.mark.skipif(not WEBHOOKS, reason="YIQI_DATA_DIR names no folder with stripe/webhook/*.json")


def recorded(event: dict[str, Any]) -> FakeBillingUnitOfWork:
    text = json.dumps(event)
    at = int(time.time())
    mac = hmac.new(SECRET.encode(), f"{at}.{text}".encode(), hashlib.sha256).hexdigest()
    uow = FakeBillingUnitOfWork()
    record_stripe_event(
        RecordStripeEvent(body=text, signature=f"t={at},v1={mac}"), actor=PUBLIC, uow=uow, now=NOW,
        verify=StripeWebhooks([SECRET], SystemClock()).verify,
    )  # fmt: skip
    return uow


def ours(event: dict[str, Any]) -> tuple[str, str] | None:
    """What must be fetched because of *event*: what moves money of ours and has an id."""
    thing = event["data"]["object"]
    if event["type"] in ACCOUNT_EVENTS and event.get("account"):
        return "account", event["account"]
    if event["type"] == "charge.refunded":
        return "charge", thing["id"]
    if event["type"].startswith("charge.") and thing.get("payment_intent"):
        return "payment_intent", thing["payment_intent"]
    return (thing["object"], thing["id"]) if thing.get("object") in FETCHED and "id" in thing else None


FETCHED = {"payment_intent", "checkout.session", "refund", "dispute", "payout", "transfer"}
ACCOUNT_EVENTS = {"account.updated", "account.application.deauthorized", "capability.updated"}


@needs_data
@pytest.mark.parametrize("path", WEBHOOKS, ids=lambda path: path.stem)
def test_every_example_of_a_webhook_is_stored_and_routed(path: Path) -> None:
    """What is ours is fetched once, everything else is stored as none of ours; nothing is refused."""
    event = json.loads(path.read_text())
    uow = recorded(event)
    assert list(uow.stripe_events.held) == [event["id"]]
    wanted = ours(event)
    if wanted is None:
        assert uow.stripe_events.outcomes == {event["id"]: "not_ours"}
        assert not uow.outside
    else:
        (call,) = uow.calls("fetch_stripe_object")
        assert (call["object"], call["id"]) == wanted


@needs_data
def test_examples_of_all_that_is_routed_are_there() -> None:
    """The test above would pass on a folder of strangers."""
    routed = {wanted[0] for path in WEBHOOKS if (wanted := ours(json.loads(path.read_text())))}
    assert routed == FETCHED | {"charge"}
    assert len(WEBHOOKS) >= 55


@needs_data
@pytest.mark.parametrize("kind", OBJECTS)
def test_examples_of_objects_are_read(kind: str) -> None:
    """The SDK's class knows each object that we read, by its own example."""
    example = json.loads((FOLDER / "fixtures3.json").read_text())["resources"][kind]
    made = OBJECTS[kind].construct_from(example, "sk_test_x")
    assert (made["object"], made["id"]) == (kind, example["id"])
