"""What leaves again: refunds, disputes, transfers, payouts; and the hosted checkout."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import stripe

from tests.kit.stripe_control import ControlRefused, StripeControl, StripeStandIn
from tests.kit.stripe_sdk import charge_of, connected_account, pay, sdk
from tests.kit.webhook_catcher import WebhookCatcher

DAY_S = 86_400


def test_refunds_never_exceed_the_charge(
    client: stripe.StripeClient, control: StripeControl, catcher: WebhookCatcher
) -> None:
    intent = pay(client)
    parts = [client.v1.refunds.create({"payment_intent": intent.id, "amount": amount}) for amount in (35_333, 35_333)]
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        client.v1.refunds.create({"charge": charge_of(intent), "amount": 35_335})
    parts.append(client.v1.refunds.create({"charge": charge_of(intent)}))
    assert [part.amount for part in parts] == [35_333, 35_333, 35_334]
    assert client.v1.charges.retrieve(charge_of(intent)).refunded
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"charge": charge_of(intent)})
    assert refused.value.code == "charge_already_refunded"
    assert len(client.v1.charges.retrieve(charge_of(intent), {"expand": ["refunds"]}).refunds.data) == 3  # type: ignore[union-attr]
    assert len(client.v1.refunds.list({"payment_intent": intent.id}).data) == 3
    assert sum(txn.amount for txn in client.v1.balance_transactions.list({"type": "refund"}).data) == -106_000
    control.wait_until_delivered()
    assert catcher.types().count("refund.created") == catcher.types().count("charge.refunded") == 3


def test_twenty_refunds_at_once_pay_out_no_more_than_was_paid(
    running: StripeStandIn, client: stripe.StripeClient, control: StripeControl
) -> None:
    intent = pay(client, 10_000)

    def refund(_: int) -> bool:
        with sdk(running.url, running.api_key) as mine:
            try:
                mine.v1.refunds.create({"payment_intent": intent.id, "amount": 3000})
            except stripe.InvalidRequestError:
                return False
            return True

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(refund, range(20))) == 3
    assert control.state().objects["refund"] == 3


def test_unpaid_is_not_refundable(client: stripe.StripeClient, control: StripeControl) -> None:
    intent = client.v1.payment_intents.create({"amount": 1000, "currency": "cny"})
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        client.v1.refunds.create({"payment_intent": intent.id})
    with pytest.raises(stripe.CardError):
        pay(client, card="pm_card_chargeDeclined")
    [failed] = control.objects("charge")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"charge": failed["id"]})
    assert refused.value.code == "charge_not_refundable"


def test_refund_may_fail_after_it_succeeded(
    client: stripe.StripeClient, control: StripeControl, catcher: WebhookCatcher
) -> None:
    intent = pay(client, card="pm_card_refundFail")
    refund = client.v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == "succeeded"
    control.advance_clock(60)
    assert client.v1.refunds.retrieve(refund.id).status == "failed"
    assert client.v1.charges.retrieve(charge_of(intent)).amount_refunded == 0
    assert sum(txn.amount for txn in client.v1.balance_transactions.list().data) == 106_000
    other = client.v1.refunds.create({"payment_intent": pay(client, card="pm_card_pendingRefund").id})
    assert other.status == "pending"
    control.settle_refund(other.id, "succeeded")
    control.wait_until_delivered()
    assert {"refund.failed", "refund.updated"} <= set(catcher.types())


@pytest.mark.parametrize(("outcome", "net"), [("won", -1500), ("lost", -107_500)])
def test_dispute_takes_money_and_may_give_it_back(
    client: stripe.StripeClient, control: StripeControl, catcher: WebhookCatcher, outcome: Any, net: int
) -> None:
    charge = charge_of(pay(client))
    dispute = control.open_dispute(charge)
    assert client.v1.charges.retrieve(charge).disputed
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"charge": charge})
    assert refused.value.code == "charge_disputed"
    control.close_dispute(dispute["id"], outcome)
    assert client.v1.disputes.retrieve(dispute["id"]).status == outcome
    assert sum(txn.net for txn in client.v1.balance_transactions.list({"type": "adjustment"}).data) == net
    control.wait_until_delivered()
    types = catcher.types()
    assert types[-1] == "charge.dispute.closed"
    assert {"charge.dispute.created", "charge.dispute.funds_withdrawn"} < set(types)
    assert ("charge.dispute.funds_reinstated" in types) == (outcome == "won")


def test_disputed_card_and_giving_up(client: stripe.StripeClient) -> None:
    intent = pay(client, card="pm_card_createDispute")
    [dispute] = client.v1.disputes.list({"payment_intent": intent.id}).data
    assert client.v1.disputes.close(dispute.id).status == "lost"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.disputes.close(dispute.id)


def test_transfer_needs_available_money_or_its_charge(client: stripe.StripeClient, control: StripeControl) -> None:
    destination = connected_account(client)
    intent = pay(client)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.transfers.create({"amount": 95_400, "currency": "cny", "destination": destination})
    assert refused.value.code == "balance_insufficient"
    tied = client.v1.transfers.create({
        "amount": 95_400, "currency": "cny", "destination": destination, "source_transaction": charge_of(intent),
        "transfer_group": "o-1",
    })  # fmt: skip
    with pytest.raises(stripe.InvalidRequestError, match="must not exceed"):
        client.v1.transfers.create(
            {"amount": 10_601, "currency": "cny", "destination": destination, "source_transaction": charge_of(intent)}
        )
    control.advance_clock(3 * DAY_S)
    free = client.v1.transfers.create({"amount": 1000, "currency": "cny", "destination": destination})
    assert [t.id for t in client.v1.transfers.list({"transfer_group": "o-1"}).data] == [tied.id]
    with pytest.raises(stripe.InvalidRequestError, match="greater than unreversed"):
        client.v1.transfers.reversals.create(free.id, {"amount": 1001})
    client.v1.transfers.reversals.create(free.id, {"amount": 400})
    client.v1.transfers.reversals.create(free.id)
    assert client.v1.transfers.retrieve(free.id).reversed
    assert len(client.v1.transfers.reversals.list(free.id).data) == 2
    [cny] = [line for line in client.v1.balance.retrieve().available if line.currency == "cny"]
    assert cny.amount == 106_000 - 674 - 95_400
    [theirs] = client.v1.balance.retrieve(options={"stripe_account": destination}).available
    assert theirs.amount == 95_400


def test_unknown_destination_and_unknown_connected_account(client: stripe.StripeClient) -> None:
    pay(client, card="pm_card_bypassPending")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.transfers.create({"amount": 1, "currency": "cny", "destination": "acct_none"})
    assert refused.value.code == "resource_missing"
    with pytest.raises(stripe.PermissionError):
        client.v1.balance.retrieve(options={"stripe_account": "acct_none"})


def test_reversal_needs_the_connected_accounts_money(client: stripe.StripeClient) -> None:
    destination = connected_account(client)
    pay(client, card="pm_card_bypassPending")
    transfer = client.v1.transfers.create({"amount": 1000, "currency": "cny", "destination": destination})
    client.v1.payouts.create({"amount": 600, "currency": "cny"}, options={"stripe_account": destination})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.transfers.reversals.create(transfer.id, {"amount": 500})
    assert refused.value.code == "balance_insufficient"


def test_payouts_are_paid_or_fail_even_later(
    client: stripe.StripeClient, control: StripeControl, catcher: WebhookCatcher
) -> None:
    pay(client, card="pm_card_bypassPending")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payouts.create({"amount": 106_000, "currency": "cny"})
    assert refused.value.code == "balance_insufficient"
    manual = client.v1.payouts.create({"amount": 5000, "currency": "cny"})
    with pytest.raises(stripe.InvalidRequestError, match="automatic transfers"):
        client.v1.balance_transactions.list({"payout": manual.id})
    control.advance_clock(2 * DAY_S)
    assert client.v1.payouts.retrieve(manual.id).status == "paid"
    control.settle_payout(manual.id, "failed")
    swept = control.pay_out_automatically("cny")
    assert swept["amount"] == 106_000 - 674
    made_of = client.v1.balance_transactions.list({"payout": swept["id"]}).data
    assert sum(txn.net for txn in made_of) == 0
    assert {txn.type for txn in made_of} == {"charge", "payout", "payout_failure"}
    control.wait_until_delivered()
    assert [name for name in catcher.types() if name.startswith("payout")] == [
        "payout.created",
        "payout.paid",
        "payout.failed",
        "payout.created",
    ]


def test_checkout_page_takes_the_payment(
    client: stripe.StripeClient, control: StripeControl, catcher: WebhookCatcher
) -> None:
    price: Any = {"currency": "cny", "unit_amount": 53_000, "product_data": {"name": "<b>SEM</b>"}}
    item: Any = {"quantity": 2, "price_data": price}
    session = client.v1.checkout.sessions.create({
        "mode": "payment",
        "success_url": "https://shop.example/ok?s={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.example/no",
        "client_reference_id": "o-1",
        "line_items": [item],
        "payment_intent_data": {"metadata": {"order": "o-1"}, "transfer_group": "o-1"},
    })  # fmt: skip
    assert session.payment_intent is None
    assert session.url is not None
    page = requests.get(session.url, timeout=5)
    assert "1,060.00 CNY" in page.text
    assert "&lt;b&gt;SEM" in page.text
    declined = requests.post(session.url, data={"payment_method": "pm_card_chargeDeclined"}, timeout=5)
    assert (declined.status_code, "Your card was declined" in declined.text) == (402, True)
    asked = requests.post(session.url, data={"payment_method": "pm_card_authenticationRequired"}, timeout=5)
    assert "Your bank asks" in asked.text
    done = requests.post(session.url, data={"payment_method": "pm_card_visa"}, timeout=5, allow_redirects=False)
    assert (done.status_code, done.headers["Location"]) == (303, f"https://shop.example/ok?s={session.id}")
    assert requests.post(session.url, data={"payment_method": "pm_card_visa"}, timeout=5).status_code == 400
    after = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert (after.status, after.payment_status, after.client_reference_id) == ("complete", "paid", "o-1")
    assert isinstance(after.payment_intent, stripe.PaymentIntent)
    assert after.payment_intent.metadata.to_dict() == {"order": "o-1"}
    state = control.wait_until_delivered()
    assert state.statuses["charge"] == {"failed": 1, "succeeded": 1}
    assert catcher.types()[-1] == "checkout.session.completed"


def test_checkout_expires(client: stripe.StripeClient, control: StripeControl, catcher: WebhookCatcher) -> None:
    item: Any = {
        "quantity": 1,
        "price_data": {"currency": "cny", "unit_amount": 53_000, "product_data": {"name": "SEM"}},
    }
    made = [
        client.v1.checkout.sessions.create(
            {"mode": "payment", "success_url": "https://a.example", "line_items": [item]}
        )
        for _ in range(2)
    ]
    assert client.v1.checkout.sessions.expire(made[0].id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.expire(made[0].id)
    control.advance_clock(DAY_S + 1)
    assert client.v1.checkout.sessions.retrieve(made[1].id).status == "expired"
    with pytest.raises(ControlRefused):
        control.pay_checkout(made[1].id)
    control.wait_until_delivered()
    assert catcher.types() == ["checkout.session.expired"] * 2
