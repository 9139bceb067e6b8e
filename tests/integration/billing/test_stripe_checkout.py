"""Paying on the institution's page and with the card's bank between, against the stand-in."""

from datetime import timedelta
from functools import partial

import pytest

from services.billing.adapters import card_queries, queries
from services.billing.domain.ledger import contract, customer_credit
from services.billing.use_cases import checkout, order
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.messages.billing.checkout import CheckoutView, GetCheckout, OpenCheckout
from services.shared.messages.billing.payment import GetPayment, PaymentView
from services.shared.messages.orders.order import OrderCancelled
from tests.integration.billing.conftest import Billing
from tests.kit.fakes_billing import CUSTOMER_ID, FINANCE, NOW, ORDER_ID, PROVIDER_FINANCE, PROVIDER_ID, REQUESTER
from tests.kit.stripe_control import ControlRefused, FaultKind, StripeControl

pytestmark = pytest.mark.usefixtures("stripe_control")

PAYMENT_ID = payment_id_of(ORDER_ID)
PORTAL = "https://yiqi.example"
SOON = NOW + timedelta(hours=1)


def the_payment(billing: Billing) -> PaymentView:
    return billing.run(queries.get_payment, GetPayment(payment_id=PAYMENT_ID), REQUESTER)


def ask(billing: Billing, back: str = f"{PORTAL}/orders/1") -> CheckoutView:
    """A page to pay on, made."""
    wanted = OpenCheckout(payment_id=PAYMENT_ID, success_url=back, cancel_url=back)
    made = billing.run(partial(checkout.open_checkout, portal=PORTAL), wanted, REQUESTER)
    billing.do_outside(SOON)
    return billing.run(card_queries.get_checkout, GetCheckout(checkout_id=made.checkout_id), REQUESTER)


def session_of(stripe_control: StripeControl, url: str | None) -> str:
    return next(str(each["id"]) for each in stripe_control.objects("checkout.session") if each["url"] == url)


def cancel(billing: Billing) -> None:
    told = OrderCancelled(order_id=ORDER_ID, number="", customer_id=CUSTOMER_ID, provider_id=PROVIDER_ID, reason="")
    billing.handle(order.cancelled, told)


def test_paid_on_the_page_and_every_webhook_lost(billing: Billing, stripe_control: StripeControl) -> None:
    """M3: the janitor alone finds the session, its intent and the money; the payment's own intent is closed."""
    billing.contracted()
    page = ask(billing)
    assert page.url
    assert page.expires_at
    stripe_control.pay_checkout(session_of(stripe_control, page.url))
    billing.run_timers(NOW + timedelta(minutes=2))
    for _ in range(3):
        billing.do_outside(SOON)
    assert the_payment(billing).state == "succeeded"
    assert billing.balance(contract(ORDER_ID)) == 106_000
    assert stripe_control.state().statuses["payment_intent"] == {"succeeded": 1, "canceled": 1}
    assert billing.run(card_queries.get_checkout, GetCheckout(checkout_id=page.checkout_id), REQUESTER).state == (
        "complete"
    )
    assert billing.violations() == ()


@pytest.mark.parametrize(
    "fault",
    ["timeout_before_effect", "timeout_after_effect", "error_before_effect", "error_after_effect", "conflict",
     "rate_limit"],
)  # fmt: skip
def test_one_page_whatever_happens(billing: Billing, stripe_control: StripeControl, fault: FaultKind) -> None:
    billing.contracted()
    billing.do_outside()
    stripe_control.fail_next(fault, path="/v1/checkout/sessions")
    ask(billing)
    billing.do_outside(SOON + timedelta(hours=1))
    assert ask(billing).url
    assert stripe_control.state().objects["checkout.session"] == 1


def test_a_second_page_closes_the_first(billing: Billing, stripe_control: StripeControl) -> None:
    """Who has the first one open in another window cannot pay on it any more."""
    billing.contracted()
    first = ask(billing)
    old = session_of(stripe_control, first.url)
    second = ask(billing, f"{PORTAL}/orders/2")
    assert second.url
    assert second.url != first.url
    with pytest.raises(ControlRefused, match="only open sessions"):
        stripe_control.pay_checkout(old)


def test_a_second_page_while_the_first_is_being_paid(billing: Billing, stripe_control: StripeControl) -> None:
    """The customer was quicker than our closing: no second page, one charge, and nothing is asked twice."""
    billing.contracted()
    first = ask(billing)
    stripe_control.pay_checkout(session_of(stripe_control, first.url))
    second = ask(billing, f"{PORTAL}/orders/2")
    assert (second.state, second.url, second.failure) == ("failed", None, "billing.payment_not_payable")
    billing.do_outside(SOON)
    assert the_payment(billing).state == "succeeded"
    assert stripe_control.state().objects["charge"] == 1
    assert billing.balance(contract(ORDER_ID)) == 106_000


def test_paid_on_both_ways_at_once(billing: Billing, stripe_control: StripeControl) -> None:
    """By the page and by the own intent before we hear of either: the second is the customer's, none is lost."""
    billing.contracted()
    page = ask(billing)
    stripe_control.confirm_payment(the_payment(billing).client_secret or "")
    stripe_control.pay_checkout(session_of(stripe_control, page.url))
    for minutes in (2, 30, 120):
        billing.run_timers(NOW + timedelta(minutes=minutes))
        for _ in range(3):
            billing.do_outside(SOON + timedelta(hours=2))
    assert billing.balance(contract(ORDER_ID)) == 106_000
    assert billing.balance(customer_credit(CUSTOMER_ID)) == 106_000
    assert billing.balance("A:psp:stripe") == -2 * (106_000 - 674)
    assert billing.violations() == ()


def test_a_cancelled_order_has_no_page(billing: Billing, stripe_control: StripeControl) -> None:
    billing.contracted()
    ask(billing)
    cancel(billing)
    billing.do_outside(SOON)
    assert stripe_control.state().statuses["checkout.session"] == {"expired": 1}
    assert stripe_control.state().statuses["payment_intent"] == {"canceled": 1}


def test_a_page_expires_by_itself(billing: Billing, stripe_control: StripeControl) -> None:
    """Nobody pays for a day: the page is over, the payment waits on, another page follows."""
    billing.contracted()
    page = ask(billing)
    stripe_control.advance_clock(25 * 3_600)
    for hours in (1, 2, 26, 27):
        billing.run_timers(NOW + timedelta(hours=hours))
        billing.do_outside(NOW + timedelta(hours=hours))
    asked = GetCheckout(checkout_id=page.checkout_id)
    assert billing.run(card_queries.get_checkout, asked, REQUESTER).state == "expired"
    assert the_payment(billing).state == "pending"
    assert ask(billing).url


def test_nobody_else_sees_the_page(billing: Billing) -> None:
    billing.contracted()
    asked = GetCheckout(checkout_id=ask(billing).checkout_id)
    with pytest.raises(NotFound):
        billing.run(card_queries.get_checkout, asked, PROVIDER_FINANCE)
    with pytest.raises(NotAllowed):
        billing.run(card_queries.get_checkout, asked, FINANCE)


@pytest.mark.parametrize("passed", [True, False])
def test_the_cards_bank_asks_the_customer(billing: Billing, stripe_control: StripeControl, *, passed: bool) -> None:
    """3-D Secure: nothing is booked while the bank waits; then it is paid, or refused and another card pays."""
    billing.contracted()
    billing.do_outside()
    secret = the_payment(billing).client_secret or ""
    intent = stripe_control.confirm_payment(secret, "pm_card_authenticationRequired")
    billing.run_timers(NOW + timedelta(minutes=2))
    billing.do_outside(SOON)
    waiting = the_payment(billing)
    assert (waiting.state, waiting.action_required) == ("pending", True)
    stripe_control.authenticate_payment(intent["id"], passed=passed)
    billing.run_timers(NOW + timedelta(minutes=10))
    billing.do_outside(SOON)
    answered = the_payment(billing)
    assert not answered.action_required
    if not passed:
        assert (answered.state, answered.failure) == ("failed", "payment_intent_authentication_failure")
        stripe_control.confirm_payment(secret)
        billing.run_timers(NOW + timedelta(hours=2))
        billing.do_outside(NOW + timedelta(hours=2))
    assert the_payment(billing).state == "succeeded"
    assert billing.balance(contract(ORDER_ID)) == 106_000


def test_the_cards_bank_asks_on_the_page_too(billing: Billing, stripe_control: StripeControl) -> None:
    billing.contracted()
    session = session_of(stripe_control, ask(billing).url)
    intent = stripe_control.pay_checkout(session, "pm_card_authenticationRequired")["payment_intent"]
    stripe_control.authenticate_payment(intent)
    billing.run_timers(NOW + timedelta(minutes=2))
    for _ in range(3):
        billing.do_outside(SOON)
    assert the_payment(billing).state == "succeeded"
