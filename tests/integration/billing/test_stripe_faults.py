"""M1 and M2 of `docs/operations/faults.md` from end to end: what Stripe does and says never counts twice."""

import json
import random
import time
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from services.billing.adapters.stripe_events import StripeWebhooks
from services.billing.domain.ledger import contract
from services.billing.use_cases import order
from services.billing.use_cases.stripe_event import record_stripe_event
from services.shared.chassis.clock import SystemClock
from services.shared.kernel.actor import PUBLIC
from services.shared.messages.billing.payment import RecordStripeEvent
from services.shared.messages.orders.order import OrderCancelled
from tests.integration.billing.conftest import Billing
from tests.kit.fakes_billing import CUSTOMER_ID, NOW, ORDER_ID, PROVIDER_ID
from tests.kit.stripe_control import StripeControl, StripeStandIn
from tests.kit.stripe_simulator.webhooks import signature

pytestmark = pytest.mark.usefixtures("stripe_control")

LATE = NOW + timedelta(hours=3)


def outside(billing: Billing) -> None:
    """Everything that is due, and what follows from it, with all pauses between tries over."""
    for hours in range(3, 7):
        billing.do_outside(NOW + timedelta(hours=hours))


def paid(billing: Billing, stripe_control: StripeControl, card: str = "pm_card_visa") -> None:
    billing.contracted()
    outside(billing)
    ((secret,),) = billing.rows("SELECT client_secret FROM payment")
    stripe_control.confirm_payment(secret, card)
    billing.run_timers(NOW + timedelta(minutes=2))
    outside(billing)


def cancelled(billing: Billing) -> None:
    told = OrderCancelled(order_id=ORDER_ID, number="", customer_id=CUSTOMER_ID, provider_id=PROVIDER_ID, reason="")
    billing.handle(order.cancelled, told)


def deliver(billing: Billing, stand_in: StripeStandIn, events: list[dict[str, object]]) -> None:
    verify = StripeWebhooks([stand_in.webhook_secret], SystemClock()).verify
    for event in events:
        body = json.dumps(event)
        wanted = RecordStripeEvent(body=body, signature=signature(body, stand_in.webhook_secret, int(time.time())))
        with billing.transaction() as uow:
            record_stripe_event(wanted, actor=PUBLIC, uow=uow, now=NOW, verify=verify)
        billing.do_outside(LATE)


def test_stripe_answers_too_late_at_every_step(billing: Billing, stripe_control: StripeControl) -> None:
    """M1: making, fetching, refunding took effect and was not answered: one charge, one refund, one posting each."""
    stripe_control.set_search_lag(60)
    stripe_control.fail_next("timeout_after_effect", path="/v1/payment_intents", count=2)
    stripe_control.fail_next("timeout_after_effect", method="GET", path="/v1/payment_intents/pi_*", count=2)
    stripe_control.fail_next("timeout_after_effect", path="/v1/refunds")
    paid(billing, stripe_control)
    outside(billing)
    cancelled(billing)
    outside(billing)
    state = stripe_control.state()
    assert state.faults_left == 0
    assert (state.objects["payment_intent"], state.objects["charge"], state.objects["refund"]) == (1, 1, 1)
    assert billing.rows("SELECT kind, count(*) FROM ledger_tx GROUP BY kind ORDER BY kind") == [
        ("psp_fee", 1), ("receipt_card", 1), ("refund", 1), ("refund_paid", 1),
    ]  # fmt: skip
    assert billing.balance("A:psp:stripe") == 674
    assert billing.violations() == ()


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_webhooks_five_times_and_in_any_order(
    billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn, seed: int | None
) -> None:
    """M2: succeeded before created, refund before charge, each five times: paid once, given back once."""
    paid(billing, stripe_control)
    cancelled(billing)
    outside(billing)
    events = [*reversed(stripe_control.objects("event"))]
    assert {"payment_intent.created", "charge.succeeded", "charge.refunded", "refund.created"} <= {
        event["type"] for event in events
    }
    told = events * 5
    if seed is not None:
        random.Random(seed).shuffle(told)
    booked = billing.rows("SELECT count(*) FROM ledger_tx")
    deliver(billing, stand_in, told)
    assert billing.rows("SELECT count(*) FROM ledger_tx") == booked
    assert billing.rows("SELECT state FROM refund") == [("succeeded",)]
    assert billing.balance(contract(ORDER_ID)) == 0
    assert billing.rows("SELECT count(*) FROM stripe_event WHERE handled_at IS NULL") == [(0,)]
    assert billing.violations() == ()


def test_a_refund_fails_days_after_it_succeeded(
    billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn
) -> None:
    """The card's bank sends it back: we owe the customer again, and a person finds another way."""
    paid(billing, stripe_control, "pm_card_refundFail")
    cancelled(billing)
    outside(billing)
    assert billing.rows("SELECT state FROM refund") == [("succeeded",)]
    stripe_control.advance_clock(5 * 86_400)
    events = [event for event in stripe_control.objects("event") if "refund" in event["type"]]
    deliver(billing, stand_in, [*reversed(events), *events])
    assert billing.rows("SELECT state FROM refund") == [("failed",)]
    assert billing.rows(
        "SELECT sum(posted_c - posted_d)::int FROM account_balance WHERE account LIKE 'L:refund:%%'"
    ) == [(106_000,)]
    assert billing.balance("A:psp:stripe") == -sum(
        booked["net"] for booked in stripe_control.objects("balance_transaction")
    )
    assert billing.violations() == ()


def test_a_pending_refund_nobody_reports_on_is_found(billing: Billing, stripe_control: StripeControl) -> None:
    """M3: every webhook is lost; the janitor asks until the card's bank has answered, and then no more."""
    paid(billing, stripe_control, "pm_card_pendingRefund")
    cancelled(billing)
    outside(billing)
    assert billing.rows("SELECT state FROM refund") == [("pending",)]
    billing.run_timers(NOW + timedelta(hours=7))
    billing.do_outside(NOW + timedelta(hours=7))
    assert billing.rows("SELECT state FROM refund") == [("pending",)]
    (made,) = stripe_control.objects("refund")
    stripe_control.settle_refund(made["id"], "succeeded")
    billing.run_timers(NOW + timedelta(hours=14))
    billing.do_outside(NOW + timedelta(hours=14))
    assert billing.rows("SELECT state FROM refund") == [("succeeded",)]
    billing.run_timers(NOW + timedelta(days=9))
    assert billing.rows("SELECT count(*) FROM timer WHERE kind = 'check_card_refund'") == [(0,)]
    assert billing.violations() == ()


def test_a_refund_that_stays_pending_is_an_alarm(billing: Billing, stripe_control: StripeControl) -> None:
    """Eight looks in six days, each under its own key, then one word in the log and silence."""
    paid(billing, stripe_control, "pm_card_pendingRefund")
    cancelled(billing)
    outside(billing)
    with capture_logs() as told:
        for hours in (7, 8, 10, 34, 58, 82, 106, 130, 154, 178, 202):
            billing.run_timers(NOW + timedelta(hours=hours))
            billing.do_outside(NOW + timedelta(hours=hours))
    alarms = [line["timer"] for line in told if line["event"] == "the payment institution leaves something unclear"]
    assert alarms == ["check_card_refund"]
    assert billing.rows("SELECT count(*) FROM outside_call WHERE key LIKE 'check_card_refund%%'") == [(8,)]
