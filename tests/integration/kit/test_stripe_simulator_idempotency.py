"""Idempotency keys, scripted failures, kill -9, the control interface."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

from tests.kit.stripe_control import ControlRefused, StripeControl, StripeStandIn
from tests.kit.stripe_sdk import CARD_PAYMENT, connected_account, pay, sdk
from tests.kit.webhook_catcher import WebhookCatcher

DAY_S = 86_400


def test_same_key_same_parameters_is_one_payment(client: stripe.StripeClient, control: StripeControl) -> None:
    params: Any = {**CARD_PAYMENT, "amount": 1000}
    first = client.v1.payment_intents.create(params, {"idempotency_key": "k1"})
    again = client.v1.payment_intents.create(params, {"idempotency_key": "k1"})
    assert again.id == first.id
    assert again.last_response is not None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert again.last_response.headers["Original-Request"] == first.last_response.request_id  # type: ignore[union-attr]
    assert control.state().objects["charge"] == 1
    with pytest.raises(stripe.IdempotencyError):
        client.v1.payment_intents.create(params | {"amount": 1001}, {"idempotency_key": "k1"})
    with pytest.raises(stripe.IdempotencyError):
        client.v1.refunds.create({"payment_intent": first.id}, {"idempotency_key": "k1"})
    control.advance_clock(DAY_S)
    assert client.v1.payment_intents.create(params, {"idempotency_key": "k1"}).id != first.id


def test_refusals_from_execution_are_replayed_and_validation_is_not(
    client: stripe.StripeClient, control: StripeControl
) -> None:
    declined: Any = {**CARD_PAYMENT, "payment_method": "pm_card_chargeDeclined"}
    for _ in range(2):
        with pytest.raises(stripe.CardError):
            client.v1.payment_intents.create(declined, {"idempotency_key": "k2"})
    assert control.state().objects["charge"] == 1
    assert control.state().idempotency_keys == 1
    bad: Any = {"amount": 1000}
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.create(bad, {"idempotency_key": "k3"})
    assert client.v1.payment_intents.create(bad | {"currency": "cny"}, {"idempotency_key": "k3"}).id


def test_concurrent_twin_is_409_and_not_stored(
    running: StripeStandIn, client: stripe.StripeClient, control: StripeControl
) -> None:
    params: Any = {**CARD_PAYMENT, "amount": 1000}
    control.fail_next("delay", path="/v1/payment_intents", delay_s=0.5)

    def create(_: int) -> str:
        with sdk(running.url, running.api_key) as mine:
            try:
                return mine.v1.payment_intents.create(params, {"idempotency_key": "twin"}).id
            except stripe.StripeError as error:
                # `error.code` is None here: for a 409 the SDK fills in only what hangs below `error.error`.
                return str(error.error.code) if error.error else "no code"

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(create, range(8)))
    assert results.count("idempotency_key_in_use") == 7
    assert create(0) in results
    assert control.state().objects["charge"] == 1


def test_same_key_of_another_account_is_another_key(client: stripe.StripeClient, control: StripeControl) -> None:
    destination = connected_account(client)
    params: Any = {"amount": 1000, "currency": "cny"}
    first = client.v1.payment_intents.create(params, {"idempotency_key": "k"})
    other = client.v1.payment_intents.create(params, {"idempotency_key": "k", "stripe_account": destination})
    assert other.id != first.id
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.retrieve(other.id)


@pytest.mark.parametrize("hold_s", [0, 1.5])
def test_timeout_after_effect_is_one_charge_with_a_key(
    running: StripeStandIn, control: StripeControl, hold_s: float
) -> None:
    control.fail_next("timeout_after_effect", path="/v1/payment_intents", hold_s=hold_s)
    params: Any = {**CARD_PAYMENT, "amount": 1000}
    with sdk(running.url, running.api_key, timeout_s=0.4) as impatient:
        with pytest.raises(stripe.APIConnectionError):
            impatient.v1.payment_intents.create(params, {"idempotency_key": "lost"})
        assert control.state().objects["charge"] == 1
        assert impatient.v1.payment_intents.create(params, {"idempotency_key": "lost"}).status == "succeeded"
    assert control.state().objects["charge"] == 1


def test_sdk_retries_by_itself_over_a_lost_answer(running: StripeStandIn, control: StripeControl) -> None:
    control.fail_next("timeout_after_effect", path="/v1/payment_intents")
    with sdk(running.url, running.api_key, retries=2) as patient:
        assert pay(patient).status == "succeeded"
    assert control.state().objects["charge"] == 1


def test_timeout_before_effect_does_nothing(client: stripe.StripeClient, control: StripeControl) -> None:
    control.fail_next("timeout_before_effect")
    with pytest.raises(stripe.APIConnectionError):
        pay(client)
    assert control.state().objects == {}


@pytest.mark.parametrize(("kind", "charges"), [("error_before_effect", 0), ("error_after_effect", 1)])
def test_500_is_replayed_whether_or_not_it_had_an_effect(
    client: stripe.StripeClient, control: StripeControl, kind: Any, charges: int
) -> None:
    control.fail_next(kind, path="/v1/payment_intents")
    params: Any = {**CARD_PAYMENT, "amount": 1000}
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            client.v1.payment_intents.create(params, {"idempotency_key": "k500"})
        assert failed.value.http_status == 500
    assert control.state().objects.get("charge", 0) == charges


@pytest.mark.parametrize(("kind", "status"), [("conflict", 409), ("rate_limit", 429)])
def test_conflict_and_rate_limit_are_not_stored(
    client: stripe.StripeClient, control: StripeControl, kind: Any, status: int
) -> None:
    control.fail_next(kind, path="/v1/payment_int*")
    params: Any = {"amount": 1000, "currency": "cny"}
    with pytest.raises(stripe.StripeError) as failed:
        client.v1.payment_intents.create(params, {"idempotency_key": "k"})
    assert failed.value.http_status == status
    assert client.v1.payment_intents.create(params, {"idempotency_key": "k"}).id


def test_faults_hit_only_what_matches(client: stripe.StripeClient, control: StripeControl) -> None:
    control.fail_next("error_before_effect", path="/v1/refunds", count=5)
    assert pay(client).status == "succeeded"
    assert control.state().faults_left == 5
    control.clear_faults()
    assert control.state().faults_left == 0


def test_state_and_waiting_deliveries_survive_kill_9(tmp_path: Path) -> None:
    params: Any = {**CARD_PAYMENT, "amount": 1000}
    with (
        closing(WebhookCatcher("whsec_of_its_own")) as catcher,
        StripeStandIn(tmp_path / "state.sqlite", catcher.url, catcher.secret) as standin,
    ):
        control = StripeControl(standin.url)
        control.script_webhooks("delay", count=3, value=1)
        with sdk(standin.url, standin.api_key) as client:
            first = client.v1.payment_intents.create(params, {"idempotency_key": "kept"})
            standin.stop()
            with pytest.raises(stripe.APIConnectionError):
                client.v1.payment_intents.retrieve(first.id)
            assert catcher.types() == []
            standin.start()
            assert client.v1.payment_intents.retrieve(first.id).status == "succeeded"
            assert client.v1.payment_intents.create(params, {"idempotency_key": "kept"}).id == first.id
        assert control.wait_until_delivered().objects["charge"] == 1
        control.close()
    assert catcher.types() == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


def test_every_key_is_one_charge_over_kills_under_load(tmp_path: Path) -> None:
    with StripeStandIn(tmp_path / "state.sqlite") as standin, ThreadPoolExecutor(4) as pool:

        def pay_for(order: int) -> str:
            key, deadline = f"order-{order}", time.monotonic() + 20
            with sdk(standin.url, standin.api_key, timeout_s=2) as mine:
                while True:
                    try:
                        return mine.v1.payment_intents.create(params, {"idempotency_key": key}).id
                    except stripe.APIConnectionError:
                        assert time.monotonic() < deadline
                        time.sleep(0.02)

        params: Any = {**CARD_PAYMENT, "amount": 1000}
        paying = [pool.submit(pay_for, order) for order in range(120)]
        for _ in range(3):
            time.sleep(0.15)
            standin.stop()
            standin.start()
        intents = {future.result() for future in paying}
        control = StripeControl(standin.url)
        state = control.state()
        control.close()
    assert len(intents) == state.objects["charge"] == state.objects["balance_transaction"] == 120


def test_control_is_for_json_from_this_machine(running: StripeStandIn, control: StripeControl) -> None:
    assert requests.post(f"{running.url}/_control/reset", data="{}", timeout=5).status_code == 403
    assert requests.get(f"{running.url}/_control/state", timeout=5).json()["objects"] == {}
    with pytest.raises(ControlRefused, match="kind is one of"):
        control.fail_next("nonsense")  # type: ignore[arg-type]
