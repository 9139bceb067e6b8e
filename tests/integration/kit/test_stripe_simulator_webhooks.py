"""Deliveries of events: signed, retried, mangled by script."""

import stripe

from tests.kit.stripe_control import StripeControl
from tests.kit.stripe_sdk import charge_of, pay
from tests.kit.webhook_catcher import WebhookCatcher

DAY_S = 86_400


def test_balance_transaction_may_come_late(
    client: stripe.StripeClient, control: StripeControl, catcher: WebhookCatcher
) -> None:
    control.set_late_balance_transaction(on=True)
    intent = pay(client)
    assert client.v1.charges.retrieve(charge_of(intent)).balance_transaction is None
    assert control.settle_charges() == 1
    assert client.v1.charges.retrieve(charge_of(intent)).balance_transaction is not None
    control.wait_until_delivered()
    assert catcher.types()[-1] == "charge.updated"


def test_webhook_is_retried_until_2xx(
    client: stripe.StripeClient, control: StripeControl, catcher: WebhookCatcher
) -> None:
    catcher.statuses += [500, 302]
    client.v1.payment_intents.create({"amount": 1000, "currency": "cny"})
    assert control.wait_until_delivered().deliveries == {"delivered": 1}
    assert catcher.types() == ["payment_intent.created"]
    listed = client.v1.events.list({"type": "payment_intent.created"}).data
    assert [event.id for event in listed] == [catcher.events[0].id]
    assert client.v1.events.list({"types": ["payment_intent.canceled", "charge.failed"]}).data == []
    assert catcher.events[0].api_version == stripe.api_version
    assert client.v1.events.retrieve(catcher.events[0].id).type == "payment_intent.created"


def test_webhook_retries_are_bounded_and_can_be_asked_again(
    client: stripe.StripeClient, control: StripeControl, catcher: WebhookCatcher
) -> None:
    catcher.statuses += [500] * 3
    client.v1.payment_intents.create({"amount": 1000, "currency": "cny"})
    assert control.wait_until_delivered().deliveries == {"given_up": 1}
    [event] = client.v1.events.list().data
    control.resend_event(event.id)
    control.wait_until_delivered()
    assert [got.id for got in catcher.events] == [event.id]


def test_webhooks_are_duplicated_reordered_dropped_and_delayed(
    client: stripe.StripeClient, control: StripeControl, catcher: WebhookCatcher
) -> None:
    control.script_webhooks("duplicate", event_type="charge.succeeded", value=4)
    pay(client)
    control.wait_until_delivered()
    assert catcher.types().count("charge.succeeded") == 5
    assert len({event.id for event in catcher.events}) == 3

    catcher.events.clear()
    control.script_webhooks("hold", count=3)
    pay(client)
    assert control.wait_until_delivered().deliveries["held"] == 3
    assert catcher.events == []
    assert control.release_webhooks() == 3
    control.wait_until_delivered()
    assert catcher.types() == ["payment_intent.succeeded", "charge.succeeded", "payment_intent.created"]

    catcher.events.clear()
    control.script_webhooks("drop", event_type="payment_intent.succeeded")
    control.script_webhooks("delay", event_type="payment_intent.created", value=0.3)
    pay(client)
    control.wait_until_delivered()
    assert catcher.types() == ["charge.succeeded", "payment_intent.created"]
    assert control.state().deliveries["dropped"] == 1


def test_signatures_can_be_wrong_old_or_from_the_future(
    client: stripe.StripeClient, control: StripeControl, catcher: WebhookCatcher
) -> None:
    control.script_webhooks("wrong_signature")
    client.v1.payment_intents.create({"amount": 1000, "currency": "cny"})
    control.wait_until_delivered()
    assert len(catcher.refused) == 3
    assert "signature" in catcher.refused[0]
    control.script_webhooks("timestamp_offset", value=-400)
    client.v1.payment_intents.create({"amount": 1000, "currency": "cny"})
    control.wait_until_delivered()
    assert "Timestamp outside the tolerance zone" in catcher.refused[-1]
    assert catcher.events == []
    # The SDK checks the past only: a receiver needs an upper bound of its own.
    control.script_webhooks("timestamp_offset", value=4000)
    client.v1.payment_intents.create({"amount": 1000, "currency": "cny"})
    control.wait_until_delivered()
    assert len(catcher.events) == 1
