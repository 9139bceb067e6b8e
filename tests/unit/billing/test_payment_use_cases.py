"""Asking for money, and learning from the payment institution that it came: twice, late, wrong, in any order."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from services.billing.domain.ledger import contract, customer_credit
from services.billing.domain.payment import CHECK_DELAYS, BalanceTransaction, CardFacts
from services.billing.use_cases import order, payment
from services.billing.use_cases.payment import payment_id_of
from services.shared.messages.billing.ledger import LedgerPosted
from services.shared.messages.billing.payment import PaymentFailed, PaymentInDoubt, PaymentOpened, PaymentSucceeded
from services.shared.messages.orders.order import OrderCancelled
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    INSTRUCTIONS,
    NOW,
    ORDER_ID,
    PROVIDER_ID,
    FakeBillingUnitOfWork,
    amounts,
    card_facts,
    cny,
    order_contracted,
)

PAYMENT_ID = payment_id_of(ORDER_ID)


def contracted(method: str = "card", **more: Any) -> FakeBillingUnitOfWork:
    uow = FakeBillingUnitOfWork()
    order.contracted(order_contracted(method=method, **more), uow=uow, now=NOW, instructions=INSTRUCTIONS)
    return uow


def learn(uow: FakeBillingUnitOfWork, facts: CardFacts) -> str:
    return payment.learn(PAYMENT_ID, facts, uow=uow, now=NOW)


def opened(uow: FakeBillingUnitOfWork) -> None:
    learn(uow, card_facts(status="open", received=cny(0), charge_id="", balance=None))


def test_card_asks_the_institution_once() -> None:
    """A contracted order opens one payment and one call outside, however often it is told."""
    uow = contracted()
    order.contracted(order_contracted(), uow=uow, now=NOW, instructions=INSTRUCTIONS)
    (call,) = uow.calls("create_payment_intent")
    assert (call["amount"], call["currency"], call["payment_id"]) == (106_000, "CNY", str(PAYMENT_ID))
    (event,) = uow.events(PaymentOpened)
    assert (event.amount, event.reference) == (cny(106_000), None)
    assert uow.payments.held[PAYMENT_ID].state == "created"


def test_bank_transfer_gets_a_reference_and_the_account() -> None:
    """Who pays by transfer is told where to and what to state; nobody is called."""
    uow = contracted("bank_transfer")
    held = uow.payments.held[PAYMENT_ID]
    assert held.state == "pending"
    assert held.reference is not None
    assert held.reference.startswith("YQ2026000123")
    assert held.account_number == INSTRUCTIONS.account_number
    assert not uow.outside
    assert uow.events(PaymentOpened)[0].reference == held.reference


def test_nothing_to_pay_is_paid() -> None:
    """An order of zero waits for no money and books none."""
    uow = contracted(money=amounts(0, 0))
    assert uow.payments.held[PAYMENT_ID].state == "succeeded"
    assert len(uow.events(PaymentSucceeded)) == 1
    assert not uow.ledger.transactions
    assert not uow.outside


def test_paid_by_card_books_receipt_and_fee_once() -> None:
    """TV01: the money stands at the institution for the order, its fee is split into cost and input VAT."""
    uow = contracted()
    opened(uow)
    for _ in range(3):
        assert learn(uow, card_facts()) == "paid"
    assert uow.ledger.balance(contract(ORDER_ID)) == 106_000
    assert uow.ledger.balance("A:psp:stripe") == -(106_000 - 636)
    assert uow.ledger.balance("E:psp_fee") == -600
    assert uow.ledger.balance("A:vat:input_pending") == -36
    (event,) = uow.events(PaymentSucceeded)
    assert event.channel_transaction_id == "ch_1"
    assert len(uow.events(LedgerPosted)) == 2


def test_fee_that_comes_later_is_booked_later() -> None:
    """A charge without its balance transaction is paid all the same; the fee follows, once."""
    uow = contracted()
    opened(uow)
    assert learn(uow, card_facts(balance=None)) == "paid_fee_later"
    assert uow.ledger.balance("E:psp_fee") == 0
    assert uow.payments.held[PAYMENT_ID].worth_checking
    learn(uow, card_facts())
    learn(uow, card_facts())
    assert uow.ledger.balance("E:psp_fee") == -600
    assert len(uow.events(PaymentSucceeded)) == 1
    assert not uow.payments.held[PAYMENT_ID].worth_checking


@pytest.mark.parametrize("received", [cny(105_999), cny(106_001), replace(cny(106_000), currency="USD")])
def test_another_amount_is_never_booked(received: object) -> None:
    """What is not what was asked, in amount or currency, books nothing, and says so."""
    uow = contracted()
    opened(uow)
    for _ in range(2):
        assert learn(uow, card_facts(received=received)) == "in_doubt"
    assert not uow.ledger.transactions
    assert uow.payments.held[PAYMENT_ID].state == "unknown"
    (event,) = uow.events(PaymentInDoubt)
    assert (event.amount, event.received) == (cny(106_000), received)
    assert not uow.events(PaymentSucceeded)


def test_refused_card_may_be_followed_by_one_that_works() -> None:
    """Each refusal is told once; success after it counts."""
    uow = contracted()
    opened(uow)
    first = card_facts(status="refused", received=cny(0), charge_id="ch_a", balance=None, failure="card_declined")
    learn(uow, first)
    learn(uow, first)
    learn(uow, replace(first, charge_id="ch_b", failure="insufficient_funds"))
    assert [event.failure for event in uow.events(PaymentFailed)] == ["card_declined", "insufficient_funds"]
    assert uow.payments.held[PAYMENT_ID].state == "failed"
    learn(uow, card_facts())
    assert uow.payments.held[PAYMENT_ID].state == "succeeded"


def test_news_in_any_order_end_the_same() -> None:
    """Opened, refused and paid, told in all orders and each twice, book the money once."""
    news = [
        card_facts(status="open", received=cny(0), charge_id="", balance=None),
        card_facts(status="refused", received=cny(0), charge_id="ch_0", balance=None, failure="card_declined"),
        card_facts(),
    ]
    for told in permutations([*news, *news]):
        uow = contracted()
        for facts in told:
            learn(uow, facts)
        assert uow.payments.held[PAYMENT_ID].state == "succeeded"
        assert uow.ledger.balance(contract(ORDER_ID)) == 106_000
        assert len(uow.events(PaymentSucceeded)) == 1


def test_second_charge_is_the_customers() -> None:
    """Money that comes once more than asked is booked to the customer's credit, not to the order."""
    uow = contracted()
    opened(uow)
    learn(uow, card_facts())
    for _ in range(2):
        learn(uow, card_facts(intent_id="pi_2", charge_id="ch_2", balance=BalanceTransaction("txn_2", "CNY", 600, 36)))
    assert uow.ledger.balance(contract(ORDER_ID)) == 106_000
    assert uow.ledger.balance(customer_credit(CUSTOMER_ID)) == 106_000
    assert len(uow.events(PaymentSucceeded)) == 1


def test_another_intent_is_not_the_asked_one() -> None:
    """An intent that bears our payment's id and is not the one we made is not taken for it."""
    uow = contracted()
    opened(uow)
    assert learn(uow, card_facts(intent_id="pi_stranger")) == "in_doubt"
    assert not uow.ledger.transactions


def test_foreign_intent_is_left_alone() -> None:
    """An intent of no payment of ours changes nothing."""
    uow = FakeBillingUnitOfWork()
    assert payment.learn(PAYMENT_ID, card_facts(), uow=uow, now=NOW) == "not_ours"
    assert payment.learn(None, card_facts(), uow=uow, now=NOW) == "not_ours"
    assert not uow.ledger.transactions


def test_fee_in_another_currency_is_not_guessed() -> None:
    """A fee that the institution booked in another currency waits for a rate."""
    uow = contracted()
    opened(uow)
    learn(uow, card_facts(balance=BalanceTransaction("txn_1", "USD", 85, 5)))
    assert list(uow.ledger.transactions) == ["stripe:ch_1"]


def test_cancelled_order_is_asked_no_more() -> None:
    """The intent is cancelled once; money that comes all the same is the customer's credit."""
    uow = contracted()
    opened(uow)
    event = OrderCancelled(
        order_id=ORDER_ID, number="OR-2026-000123", customer_id=CUSTOMER_ID, provider_id=PROVIDER_ID, reason=""
    )
    order.cancelled(event, uow=uow, now=NOW)
    order.cancelled(event, uow=uow, now=NOW)
    assert [call["payment_intent_id"] for call in uow.calls("cancel_payment_intent")] == ["pi_1"]
    learn(uow, card_facts())
    assert uow.payments.held[PAYMENT_ID].state == "cancelled"
    assert uow.ledger.balance(customer_credit(CUSTOMER_ID)) == 106_000
    assert not uow.events(PaymentSucceeded)


def test_institution_that_will_not_take_it_fails_it() -> None:
    """A refusal of the intent itself is told to the customer."""
    uow = contracted()
    payment.refuse(PAYMENT_ID, "billing.stripe_refused", "", uow=uow)
    assert [event.failure for event in uow.events(PaymentFailed)] == ["billing.stripe_refused"]


def test_janitor_looks_until_it_is_over() -> None:
    """A payment nobody reports on is looked up after 1 min, 5 min, 1 h and five times a day, each under its own key."""
    uow = contracted()
    opened(uow)
    key = (payment.CHECK_TIMER, str(PAYMENT_ID))
    now, looked = NOW, []
    while key in uow.timers:
        looked.append(uow.timers[key] - now)
        now = uow.timers.pop(key)
        payment.check_card_payment(str(PAYMENT_ID), uow=uow, now=now)
    # The last timer looks no more: it would raise the alarm if there were something unclear.
    assert looked == [*CHECK_DELAYS, CHECK_DELAYS[-1]]
    assert (timedelta(minutes=1), timedelta(minutes=5), timedelta(hours=1), *[timedelta(days=1)] * 5) == CHECK_DELAYS
    assert len(uow.calls("fetch_stripe_object")) == len(CHECK_DELAYS)


def test_janitor_leaves_what_is_over() -> None:
    """A payment that is paid with its fee booked is not looked up."""
    uow = contracted()
    opened(uow)
    learn(uow, card_facts())
    payment.check_card_payment(str(PAYMENT_ID), uow=uow, now=NOW)
    assert not uow.calls("fetch_stripe_object")
