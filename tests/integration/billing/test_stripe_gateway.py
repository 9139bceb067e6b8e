"""Card payments against the Stripe stand-in: every way in which a call, a webhook or a charge may go wrong."""

import json
import time
from datetime import timedelta

import pytest

from services.billing.adapters import queries
from services.billing.adapters.stripe_events import StripeWebhooks
from services.billing.domain.ledger import contract, customer_credit
from services.billing.use_cases import order
from services.billing.use_cases.payment import payment_id_of
from services.billing.use_cases.stripe_event import SWEEP_TIMER, record_stripe_event
from services.shared.chassis.clock import SystemClock
from services.shared.kernel.actor import PUBLIC
from services.shared.kernel.errors import NotFound
from services.shared.messages.billing.payment import (
    GetPayment,
    ListPayments,
    PaymentView,
    RecordStripeEvent,
    StripeEventReceipt,
)
from services.shared.messages.orders.order import OrderCancelled
from tests.integration.billing.conftest import Billing
from tests.kit.fakes_billing import CUSTOMER_ID, FINANCE, NOW, ORDER_ID, PROVIDER_FINANCE, PROVIDER_ID, REQUESTER
from tests.kit.stripe_control import FaultKind, StripeControl, StripeStandIn
from tests.kit.stripe_simulator.webhooks import signature

pytestmark = pytest.mark.usefixtures("stripe_control")

PAYMENT_ID = payment_id_of(ORDER_ID)
SOON = NOW + timedelta(hours=1)
"""After every pause between tries of an outside call that matters here, on its clock."""


def the_payment(billing: Billing) -> PaymentView:
    return billing.run(queries.get_payment, GetPayment(payment_id=PAYMENT_ID), REQUESTER)


def ready(billing: Billing) -> str:
    """Contracted and known to Stripe. Returns the secret with which the customer pays."""
    billing.contracted()
    billing.do_outside()
    return the_payment(billing).client_secret or ""


def webhook(billing: Billing, stand_in: StripeStandIn, body: str, signature: str) -> StripeEventReceipt:
    webhooks = StripeWebhooks([stand_in.webhook_secret], SystemClock())
    return billing.within(
        lambda uow: record_stripe_event(
            RecordStripeEvent(body=body, signature=signature), actor=PUBLIC, uow=uow, now=NOW, verify=webhooks.verify
        )
    )


def test_paid_by_card(billing: Billing, stripe_control: StripeControl) -> None:
    """1,060.00 by card, the fee of 6.36 and its VAT of 0.38 apart; found by the janitor alone, without a webhook."""
    secret = ready(billing)
    assert secret
    stripe_control.confirm_payment(secret)
    assert billing.run_timers(SOON) == 1
    billing.do_outside()
    paid = the_payment(billing)
    assert (paid.state, paid.received.amount) == ("succeeded", 106_000)
    assert billing.balance(contract(ORDER_ID)) == 106_000
    assert billing.balance("A:psp:stripe") == -(106_000 - 674)
    assert (billing.balance("E:psp_fee"), billing.balance("A:vat:input_pending")) == (-636, -38)
    assert billing.told.count("payment.opened.v1") == 1
    assert billing.rows("SELECT count(*) FROM outbox WHERE type = 'payment.succeeded.v1'") == [(1,)]
    assert billing.violations() == ()


def test_webhooks_of_the_stand_in(billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn) -> None:
    """Real signed webhooks, five times and in reverse, lead to one receipt and one announcement."""
    secret = ready(billing)
    stripe_control.confirm_payment(secret)
    events = stripe_control.objects("event")
    assert {event["type"] for event in events} >= {"payment_intent.succeeded", "charge.succeeded"}
    seen = []
    for event in [*reversed(events)] * 5:
        body = json.dumps(event, indent=2)
        receipt = webhook(billing, stand_in, body, signature(body, stand_in.webhook_secret, int(time.time())))
        seen.append(receipt.seen_before)
    assert seen.count(False) == len(events)
    billing.do_outside()
    assert the_payment(billing).state == "succeeded"
    assert billing.rows("SELECT count(*) FROM outbox WHERE type = 'payment.succeeded.v1'") == [(1,)]
    assert billing.balance(contract(ORDER_ID)) == 106_000
    outcomes = dict(billing.rows("SELECT outcome, count(*) FROM stripe_event GROUP BY 1"))
    assert set(outcomes) <= {"paid", ""}
    assert billing.violations() == ()


@pytest.mark.parametrize(
    "fault",
    ["timeout_before_effect", "timeout_after_effect", "error_before_effect", "error_after_effect", "conflict",
     "rate_limit"],
)  # fmt: skip
def test_one_intent_whatever_happens(billing: Billing, stripe_control: StripeControl, fault: FaultKind) -> None:
    """A call that fails with or without an effect leads to one payment intent, which the customer can pay."""
    stripe_control.set_search_lag(60)
    stripe_control.fail_next(fault, path="/v1/payment_intents")
    billing.contracted()
    billing.do_outside()
    billing.do_outside(SOON)
    assert stripe_control.state().objects.get("payment_intent") == 1
    secret = the_payment(billing).client_secret
    assert secret
    stripe_control.confirm_payment(secret)


def test_errors_again_and_again(billing: Billing, stripe_control: StripeControl) -> None:
    """Several stored errors in a row, one of them with an effect, still lead to one intent."""
    stripe_control.set_search_lag(60)
    stripe_control.fail_next("error_before_effect", path="/v1/payment_intents", count=2)
    stripe_control.fail_next("error_after_effect", path="/v1/payment_intents", count=1)
    billing.contracted()
    billing.do_outside()
    assert stripe_control.state().objects.get("payment_intent") == 1
    assert the_payment(billing).state == "pending"


def test_crash_between_call_and_outcome(billing: Billing, stripe_control: StripeControl) -> None:
    """A caller that dies after the call is followed by one that finds the same intent, even when Stripe forgot keys."""
    billing.contracted()
    create = next(call for call in billing.work.outside_calls if call.kind == "create_payment_intent")
    ((payload,),) = billing.rows("SELECT payload FROM outside_call WHERE kind = 'create_payment_intent'")
    first = create.call(payload, "key")
    assert create.call(payload, "key") == first
    stripe_control.advance_clock(2 * 86_400)
    assert create.call(payload, "key")["intent_id"] == first["intent_id"]
    assert stripe_control.state().objects.get("payment_intent") == 1


def test_late_balance_transaction(billing: Billing, stripe_control: StripeControl) -> None:
    """The money counts at once; the fee is fetched later, by the janitor, and booked once."""
    secret = ready(billing)
    stripe_control.set_late_balance_transaction(on=True)
    stripe_control.confirm_payment(secret)
    billing.run_timers(SOON)
    billing.do_outside()
    assert the_payment(billing).state == "succeeded"
    assert billing.balance("E:psp_fee") == 0
    stripe_control.settle_charges()
    billing.run_timers(SOON + timedelta(hours=1))
    billing.do_outside()
    assert billing.balance("E:psp_fee") == -636
    assert billing.run_timers(SOON + timedelta(days=1)) == 1
    assert billing.do_outside() == 0
    assert billing.violations() == ()


def test_declined_then_paid(billing: Billing, stripe_control: StripeControl) -> None:
    """A refused card is told; another one pays."""
    secret = ready(billing)
    stripe_control.confirm_payment(secret, "pm_card_visa_chargeDeclined")
    billing.run_timers(SOON)
    billing.do_outside()
    refused = the_payment(billing)
    assert refused.state == "failed"
    assert refused.failure
    stripe_control.confirm_payment(secret)
    billing.run_timers(SOON + timedelta(hours=1))
    billing.do_outside()
    assert the_payment(billing).state == "succeeded"


def test_cancelled_order_cannot_be_paid(billing: Billing, stripe_control: StripeControl) -> None:
    """The intent of a cancelled order is cancelled at Stripe."""
    ready(billing)
    billing.handle(
        order.cancelled,
        OrderCancelled(order_id=ORDER_ID, number="", customer_id=CUSTOMER_ID, provider_id=PROVIDER_ID, reason=""),
    )
    billing.do_outside()
    assert stripe_control.state().statuses["payment_intent"] == {"canceled": 1}
    assert the_payment(billing).state == "cancelled"


def test_customer_was_quicker_than_the_cancellation(billing: Billing, stripe_control: StripeControl) -> None:
    """Paid in the moment of cancelling: the money is the customer's credit, and nothing is lost."""
    secret = ready(billing)
    stripe_control.confirm_payment(secret)
    billing.handle(
        order.cancelled,
        OrderCancelled(order_id=ORDER_ID, number="", customer_id=CUSTOMER_ID, provider_id=PROVIDER_ID, reason=""),
    )
    billing.do_outside()
    assert the_payment(billing).state == "cancelled"
    assert billing.balance(customer_credit(CUSTOMER_ID)) == 106_000
    assert billing.violations() == ()


def test_only_the_customer_gets_the_secret(billing: Billing) -> None:
    """Finance sees the payment without what pays it; strangers do not learn that it exists."""
    assert ready(billing)
    assert billing.run(queries.get_payment, GetPayment(payment_id=PAYMENT_ID), FINANCE).client_secret is None
    with pytest.raises(NotFound):
        billing.run(queries.get_payment, GetPayment(payment_id=PAYMENT_ID), PROVIDER_FINANCE)
    assert billing.run(queries.list_payments, ListPayments(), PROVIDER_FINANCE).items == ()
    (own,) = billing.run(queries.list_payments, ListPayments(order_id=ORDER_ID), REQUESTER).items
    assert own.client_secret
    (seen,) = billing.run(queries.list_payments, ListPayments(state="pending"), FINANCE).items
    assert seen.client_secret is None
    assert billing.run(queries.list_payments, ListPayments(state="unknown"), FINANCE).items == ()


def test_sweeper_processes_what_was_stored_and_never_handled(
    billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn
) -> None:
    """M4: the row of a webhook survived and what was to follow did not; the money is booked all the same, once."""
    stripe_control.confirm_payment(ready(billing))
    event = next(each for each in stripe_control.objects("event") if each["type"] == "payment_intent.succeeded")
    body = json.dumps(event)
    webhook(billing, stand_in, body, signature(body, stand_in.webhook_secret, int(time.time())))
    billing.database.change("DELETE FROM outside_call; DELETE FROM timer WHERE kind = 'check_card_payment'")
    billing.within(lambda uow: uow.set_timer(SWEEP_TIMER, "stripe", NOW))
    assert billing.run_timers(NOW + timedelta(minutes=5)) == 1
    assert billing.do_outside(SOON) == 0
    for minutes in (11, 16, 21):
        billing.run_timers(NOW + timedelta(minutes=minutes))
    assert billing.do_outside(SOON) == 1
    assert the_payment(billing).state == "succeeded"
    assert billing.rows("SELECT outcome, sweeps FROM stripe_event") == [("paid", 1)]
    assert billing.balance(contract(ORDER_ID)) == 106_000


def test_an_event_about_nothing_is_an_alarm_only_when_it_stays(
    billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn
) -> None:
    """What Stripe does not know is handled with that word; what is never answered shows in the invariants."""
    del stripe_control
    about = {"id": "pi_nobody", "object": "payment_intent"}
    event = {"id": "evt_1", "object": "event", "type": "payment_intent.created", "livemode": False}
    body = json.dumps(event | {"data": {"object": about}})
    webhook(billing, stand_in, body, signature(body, stand_in.webhook_secret, int(time.time())))
    assert billing.violations() == ()
    billing.database.change("UPDATE stripe_event SET sweeps = 6")
    assert len(billing.violations()) == 1
    billing.do_outside()
    assert billing.rows("SELECT outcome FROM stripe_event") == [("billing.stripe_refused",)]
    assert billing.violations() == ()
