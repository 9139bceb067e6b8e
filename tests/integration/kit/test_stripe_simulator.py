"""The Stripe stand-in keeps Stripe's rules, seen through the real SDK: payments, keys, ids, lists."""

from collections.abc import Callable
from typing import Any

import pytest
import requests
import stripe

from tests.kit.stripe_control import ControlRefused, StripeControl, StripeStandIn
from tests.kit.stripe_sdk import charge_of, pay, sdk
from tests.kit.stripe_simulator.money import fee_details
from tests.kit.webhook_catcher import WebhookCatcher

DAY_S = 86_400


def test_payment_becomes_charge_with_fee_and_vat(client: stripe.StripeClient, control: StripeControl) -> None:
    intent = pay(client, metadata={"order": "o-1"}, expand=["latest_charge.balance_transaction"])
    charge = intent.latest_charge
    assert intent.status == "succeeded"
    assert isinstance(charge, stripe.Charge)
    txn = charge.balance_transaction
    assert isinstance(txn, stripe.BalanceTransaction)
    assert (txn.amount, txn.fee, txn.net) == (106_000, 674, 105_326)
    assert [(line.type, line.amount) for line in txn.fee_details] == [("stripe_fee", 636), ("tax", 38)]
    assert charge.metadata.to_dict() == {"order": "o-1"}
    assert control.state().statuses["charge"] == {"succeeded": 1}


@pytest.mark.parametrize(
    ("currency", "amount", "fee", "tax"),
    [
        ("cny", 106_000, 636, 38),
        ("usd", 250, 2, 0),
        ("jpy", 1083, 6, 0),
        ("jpy", 1084, 7, 0),
        ("kwd", 106_000, 636, 38),
        ("cny", 1_500_000, 9000, 540),
    ],
)
def test_fee_is_rounded_half_up_in_minor_units(
    client: stripe.StripeClient, currency: str, amount: int, fee: int, tax: int
) -> None:
    intent = pay(client, amount, currency)
    [txn] = client.v1.balance_transactions.list({"source": charge_of(intent)}).data
    assert (txn.fee, txn.net, txn.currency) == (fee + tax, amount - fee - tax, currency)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"amount": 0, "currency": "cny"}, "parameter_invalid_integer"),
        ({"amount": -5, "currency": "cny"}, "parameter_invalid_integer"),
        ({"amount": "10.5", "currency": "cny"}, "parameter_invalid_integer"),
        ({"amount": 100_000_000, "currency": "cny"}, "amount_too_large"),
        ({"amount": 49, "currency": "usd"}, "amount_too_small"),
        ({"currency": "cny"}, "parameter_missing"),
        ({"amount": 100}, "parameter_missing"),
        ({"amount": 100, "currency": "xxx"}, None),
        ({"amount": 1005, "currency": "kwd"}, None),
        ({"amount": 100, "currency": "cny", "amont": 3}, "parameter_unknown"),
        ({"amount": 100, "currency": "cny", "customer": "cus_none"}, "resource_missing"),
    ],
)
def test_bad_parameters_are_refused(
    client: stripe.StripeClient, control: StripeControl, params: Any, code: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create(params)
    assert refused.value.code == code
    assert control.state().objects == {}


def test_wrong_and_missing_keys_are_401(running: StripeStandIn, control: StripeControl) -> None:
    with sdk(running.url, "sk_test_of_another") as stranger, pytest.raises(stripe.AuthenticationError):
        stranger.v1.balance.retrieve()
    assert requests.get(f"{running.url}/v1/balance", timeout=5).status_code == 401
    assert requests.get(f"{running.url}/v1/balance", auth=(running.api_key, ""), timeout=5).status_code == 200


def test_declined_card_leaves_failed_charge_and_open_intent(
    client: stripe.StripeClient, control: StripeControl, catcher: WebhookCatcher
) -> None:
    with pytest.raises(stripe.CardError) as declined:
        pay(client, card="pm_card_chargeDeclined")
    assert (declined.value.code, declined.value.http_status) == ("card_declined", 402)
    error = declined.value.error
    assert error is not None
    assert error.decline_code == "generic_decline"
    assert error.payment_intent is not None
    intent = client.v1.payment_intents.retrieve(error.payment_intent.id)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.code == "card_declined"
    assert client.v1.charges.retrieve(charge_of(intent)).status == "failed"
    params: Any = {"payment_method": "pm_card_visa"}
    assert client.v1.payment_intents.confirm(intent.id, params).status == "succeeded"
    state = control.wait_until_delivered()
    assert state.statuses["charge"] == {"failed": 1, "succeeded": 1}
    assert catcher.types() == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]


@pytest.mark.parametrize(("passed", "status"), [(True, "succeeded"), (False, "requires_payment_method")])
def test_authentication_is_finished_by_the_bank(
    client: stripe.StripeClient, control: StripeControl, catcher: WebhookCatcher, *, passed: bool, status: str
) -> None:
    intent = pay(client, card="pm_card_authenticationRequired", return_url="https://shop.example/back")
    assert intent.status == "requires_action"
    assert intent.next_action is not None
    assert intent.next_action.redirect_to_url is not None
    assert control.state().objects.get("charge") is None
    control.authenticate_payment(intent.id, passed=passed)
    assert client.v1.payment_intents.retrieve(intent.id).status == status
    control.wait_until_delivered()
    assert "payment_intent.requires_action" in catcher.types()
    assert catcher.types()[-1] == ("payment_intent.succeeded" if passed else "payment_intent.payment_failed")


def test_bank_page_sends_browser_back(client: stripe.StripeClient) -> None:
    intent = pay(client, card="pm_card_authenticationRequired", return_url="https://shop.example/back?a=1")
    assert intent.next_action is not None
    assert intent.next_action.redirect_to_url is not None
    page = intent.next_action.redirect_to_url.url
    assert page is not None
    assert "1,060.00 CNY" in requests.get(page, timeout=5).text
    form = {"outcome": "complete", "client_secret": intent.client_secret}
    sent = requests.post(page.partition("?")[0], data=form, timeout=5, allow_redirects=False)
    assert sent.status_code == 303
    assert sent.headers["Location"].startswith(f"https://shop.example/back?a=1&payment_intent={intent.id}")
    wrong = form | {"client_secret": f"{intent.id}_secret_guess"}
    assert requests.post(page.partition("?")[0], data=wrong, timeout=5).status_code == 404


def test_publishable_key_confirms_only_with_the_client_secret(
    running: StripeStandIn, client: stripe.StripeClient
) -> None:
    made = client.v1.payment_intents.create(
        {"amount": 5000, "currency": "cny", "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    )
    url = f"{running.url}/v1/payment_intents/{made.id}/confirm"
    headers = {"Authorization": "Bearer pk_test_1"}
    form = {"client_secret": "wrong", "payment_method": "pm_card_visa"}
    assert requests.post(url, data=form, headers=headers, timeout=5).status_code == 401
    assert (
        requests.post(
            f"{running.url}/v1/refunds", data={"payment_intent": made.id}, headers=headers, timeout=5
        ).status_code
        == 404
    )
    done = requests.post(url, data=form | {"client_secret": str(made.client_secret)}, headers=headers, timeout=5)
    assert done.json()["status"] == "succeeded"


def test_browser_confirms_through_control(client: stripe.StripeClient, control: StripeControl) -> None:
    intent = client.v1.payment_intents.create({"amount": 5000, "currency": "cny"})
    assert (
        control.confirm_payment(str(intent.client_secret), "pm_card_chargeDeclined")["status"]
        == "requires_payment_method"
    )
    assert control.confirm_payment(str(intent.client_secret))["status"] == "succeeded"
    with pytest.raises(ControlRefused, match="payment_intent_unexpected_state"):
        control.confirm_payment(str(intent.client_secret))
    assert control.state().statuses["charge"] == {"failed": 1, "succeeded": 1}


def test_refused_create_leaves_nothing_behind(client: stripe.StripeClient, control: StripeControl) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="return_url"):
        client.v1.payment_intents.create(
            {"amount": 5000, "currency": "cny", "payment_method": "pm_card_visa", "confirm": True}
        )
    assert control.state().objects == {}


def test_cancel_update_search_and_list(client: stripe.StripeClient, control: StripeControl) -> None:
    made = [
        client.v1.payment_intents.create({"amount": 1000 + n, "currency": "cny", "metadata": {"order": f"o{n}"}})
        for n in range(5)
    ]
    client.v1.payment_intents.update(made[0].id, {"metadata": {"note": "x"}})
    assert client.v1.payment_intents.update(made[0].id, {"metadata": {"order": ""}}).metadata.to_dict() == {"note": "x"}
    assert client.v1.payment_intents.cancel(made[1].id, {"cancellation_reason": "abandoned"}).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.confirm(
            made[1].id, {"payment_method": "pm_card_visa", "return_url": "https://a.example"}
        )
    assert refused.value.code == "payment_intent_unexpected_state"
    found = client.v1.payment_intents.search({"query": "metadata['order']:'o2'"})
    assert [intent.id for intent in found.data] == [made[2].id]
    assert client.v1.payment_intents.search({"query": "metadata['order']:'o1' AND status:'succeeded'"}).data == []
    first = client.v1.payment_intents.list({"limit": 2})
    assert [intent.id for intent in first.data] == [made[4].id, made[3].id]
    assert first.has_more
    assert [intent.id for intent in first.auto_paging_iter()] == [intent.id for intent in reversed(made)]
    assert client.v1.payment_intents.list({"created": {"gt": control.state().now + 1}}).data == []
    assert len(client.v1.payment_intents.list({"created": {"gte": made[0].created}, "limit": 100}).data) == 5
    before = client.v1.payment_intents.list({"ending_before": made[1].id, "limit": 2})
    assert [intent.id for intent in before.data] == [made[3].id, made[2].id]
    assert before.has_more
    control.set_search_lag(60)
    assert client.v1.payment_intents.search({"query": "metadata['order']:'o2'"}).data == []


def test_unknown_ids_are_404(client: stripe.StripeClient) -> None:
    calls: list[Callable[[], object]] = [
        lambda: client.v1.payment_intents.retrieve("pi_none"),
        lambda: client.v1.charges.retrieve("ch_none"),
        lambda: client.v1.refunds.retrieve("re_none"),
        lambda: client.v1.transfers.retrieve("tr_none"),
        lambda: client.v1.disputes.retrieve("dp_none"),
        lambda: client.v1.customers.retrieve("cus_none"),
        lambda: client.v1.checkout.sessions.retrieve("cs_none"),
        lambda: client.v1.events.retrieve("evt_none"),
    ]
    for call in calls:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            call()
        assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


def test_requests_carry_an_id(client: stripe.StripeClient) -> None:
    made = client.v1.customers.create({"email": "a@b.example", "metadata": {"1": "numeric key"}})
    assert made.last_response is not None
    assert str(made.last_response.request_id).startswith("req_")
    found = client.v1.customers.retrieve(made.id).metadata
    assert found is not None
    assert found.to_dict() == {"1": "numeric key"}


def test_expand_in_lists_and_of_what_cannot_be(client: stripe.StripeClient) -> None:
    pay(client)
    [txn] = client.v1.balance_transactions.list({"expand": ["data.source"]}).data
    assert isinstance(txn.source, stripe.Charge)
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.payment_intents.list({"expand": ["data.nothing"]})


@pytest.mark.parametrize(("amount", "fee", "tax"), [(106_000, 600, 36), (250, 2, 0), (1_500_000, 8_491, 509)])
def test_fee_may_be_a_price_with_vat_in_it(amount: int, fee: int, tax: int) -> None:
    lines = fee_details(amount, "cny", fee_bps=60, fee_fixed_minor=0, fee_vat_bps=600, fee_includes_vat=True)
    assert sum(line["amount"] for line in lines) == fee + tax
    assert [line["amount"] for line in lines] == [part for part in (fee, tax) if part]
