"""Paying on the institution's page: one page at a time, one payment, whatever comes twice, late or on two ways."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from services.billing.domain.checkout import ReturnAddressForeign
from services.billing.domain.ledger import contract, customer_credit
from services.billing.domain.payment import NotPayableByCard
from services.billing.use_cases import checkout, order, payment
from services.billing.use_cases.checkout import SessionFacts
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import new_id
from services.shared.messages.billing.checkout import CheckoutView, OpenCheckout
from services.shared.messages.billing.payment import PaymentInDoubt, PaymentSucceeded
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    FINANCE,
    INSTRUCTIONS,
    NOW,
    ORDER_ID,
    PROVIDER_FINANCE,
    REQUESTER,
    FakeBillingUnitOfWork,
    card_facts,
    cny,
    order_contracted,
)

PORTAL = "https://yiqi.example"
BACK = f"{PORTAL}/orders/1"
PAYMENT_ID = payment_id_of(ORDER_ID)
SESSION = SessionFacts("cs_1", "open", "https://pay.example/cs_1", datetime(2099, 1, 1, tzinfo=UTC), "")


def contracted(method: str = "card") -> FakeBillingUnitOfWork:
    uow = FakeBillingUnitOfWork()
    order.contracted(order_contracted(method=method), uow=uow, now=NOW, instructions=INSTRUCTIONS)
    learn_payment(uow, status="open", received=cny(0), charge_id="", balance=None)
    return uow


def learn_payment(uow: FakeBillingUnitOfWork, **changes: Any) -> str:
    return payment.learn(PAYMENT_ID, card_facts(**changes), uow=uow, now=NOW)


def ask(uow: FakeBillingUnitOfWork, actor: Actor = REQUESTER, *, now: datetime = NOW, **changes: Any) -> CheckoutView:
    wanted = {"payment_id": PAYMENT_ID, "success_url": BACK, "cancel_url": BACK, **changes}
    return checkout.open_checkout(OpenCheckout(**wanted), actor=actor, uow=uow, now=now, portal=PORTAL)


def learn(uow: FakeBillingUnitOfWork, checkout_id: UUID, **changes: Any) -> str:
    return checkout.learn(checkout_id, PAYMENT_ID, replace(SESSION, **changes), uow=uow)


def on_the_page(checkout_id: UUID, **changes: Any) -> dict[str, Any]:
    """Facts of the intent that was paid on the page."""
    return {"intent_id": "pi_page", "charge_id": "ch_page", "balance": None, "checkout_id": checkout_id, **changes}


def test_one_page_at_a_time_and_the_same_again() -> None:
    """Asked three times it is made once; where it leads is told once it is there."""
    uow = contracted()
    first = ask(uow)
    assert (first.state, first.url) == ("created", None)
    learn(uow, first.checkout_id)
    assert ask(uow) == ask(uow, now=NOW + timedelta(hours=20))
    assert ask(uow).url == "https://pay.example/cs_1"
    (call,) = uow.calls("create_checkout_session")
    assert (call["amount"], call["currency"], call["success_url"]) == (106_000, "CNY", BACK)


def test_an_expired_page_and_other_addresses_lead_to_another_page() -> None:
    """The one before is closed first, and the institution is told which that was."""
    uow = contracted()
    first = ask(uow)
    learn(uow, first.checkout_id, expires_at=NOW + timedelta(hours=24))
    second = ask(uow, now=NOW + timedelta(hours=25))
    third = ask(uow, cancel_url=f"{PORTAL}/orders/2")
    assert len({first.checkout_id, second.checkout_id, third.checkout_id}) == 3
    assert [call["former_session_id"] for call in uow.calls("create_checkout_session")] == [None, "cs_1", None]
    assert [each.state for each in uow.checkouts.held.values()] == ["expired", "expired", "created"]


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/orders/1", "http://yiqi.example/orders/1", "https://yiqi.example.evil.example/",
        "https://yiqi.example", "https://yiqi.example@evil.example/", "//yiqi.example/", "/orders/1", "javascript:1",
        "https://yiqi.example\\@evil.example/", "https://yiqi.example/ x", "https://yiqi.example/\n",
        "https://yiqi.example/\u2028",
    ],
)  # fmt: skip
@pytest.mark.parametrize("which", ["success_url", "cancel_url"])
def test_nobody_is_sent_back_to_another_site(address: str, which: str) -> None:
    uow = contracted()
    with pytest.raises(ReturnAddressForeign):
        ask(uow, REQUESTER, now=NOW, **{which: address})
    assert not uow.checkouts.held


def test_only_the_customer_asks_and_only_while_something_is_to_pay() -> None:
    """Others do not learn that the payment exists; finance may not pay for a customer."""
    uow = contracted()
    with pytest.raises(NotFound):
        ask(uow, PROVIDER_FINANCE)
    with pytest.raises(NotAllowed):
        ask(uow, FINANCE)
    with pytest.raises(NotFound):
        ask(uow, payment_id=new_id())
    learn_payment(uow)
    with pytest.raises(NotPayableByCard):
        ask(uow)
    with pytest.raises(NotPayableByCard):
        ask(contracted("bank_transfer"))


def test_paid_on_the_page_in_any_order_of_news() -> None:
    """Session and intent, told in all orders and twice: one receipt, the own intent closed, the page complete."""
    news: list[Any] = [
        ("session", {"status": "complete", "intent_id": "pi_page"}),
        ("intent", {}),
        ("session", {}),
        ("intent", {"status": "refused", "received": cny(0), "charge_id": "ch_0", "failure": "card_declined"}),
    ]
    for told in permutations([*news, news[0], news[1]]):
        uow = contracted()
        page = ask(uow).checkout_id
        for kind, changes in told:
            if kind == "session":
                learn(uow, page, **changes)
            else:
                learn_payment(uow, **on_the_page(page, **changes))
        assert uow.payments.held[PAYMENT_ID].state == "succeeded"
        assert uow.checkouts.held[page].state == "complete"
        assert uow.ledger.balance(contract(ORDER_ID)) == 106_000
        assert len(uow.events(PaymentSucceeded)) == 1
        assert [call["payment_intent_id"] for call in uow.calls("cancel_payment_intent")] == ["pi_1"]


def test_paid_on_both_ways_the_second_is_the_customers() -> None:
    """Page and own intent: the order takes the first, the customer's credit the second, nothing is in doubt."""
    for first in ("page", "own"):
        uow = contracted()
        page = ask(uow).checkout_id
        learn(uow, page)
        ways = {"page": on_the_page(page), "own": {"balance": None}}
        learn_payment(uow, **ways.pop(first))
        ((_, second),) = ways.items()
        for _ in range(2):
            learn_payment(uow, **second)
        assert uow.ledger.balance(contract(ORDER_ID)) == 106_000
        assert uow.ledger.balance(customer_credit(CUSTOMER_ID)) == 106_000
        assert not uow.events(PaymentInDoubt)


def test_paid_on_the_own_way_closes_the_page() -> None:
    uow = contracted()
    page = ask(uow).checkout_id
    learn(uow, page)
    learn_payment(uow)
    assert uow.checkouts.held[page].state == "expired"
    (call,) = uow.calls("expire_checkout_session")
    assert call["session_id"] == "cs_1"


def test_a_page_that_is_made_too_late_is_closed() -> None:
    """The payment came meanwhile, or another page was asked for: nobody is sent there."""
    uow = contracted()
    page = ask(uow).checkout_id
    learn_payment(uow)
    assert learn(uow, page) == "expired"
    assert [call["session_id"] for call in uow.calls("expire_checkout_session")] == ["cs_1"]
    assert uow.checkouts.held[page].url is None


def test_a_page_that_closes_takes_only_its_own_intent_along() -> None:
    """The payment waits on, and another page may follow."""
    uow = contracted()
    page = ask(uow).checkout_id
    learn(uow, page)
    learn(uow, page, status="expired")
    learn_payment(uow, **on_the_page(page, status="cancelled", received=cny(0), charge_id=""))
    assert uow.payments.held[PAYMENT_ID].state == "pending"
    assert ask(uow).checkout_id != page


def test_an_own_intent_that_is_made_too_late_is_cancelled() -> None:
    """Paid on the page before the institution had told us of the intent: nobody is to pay that one too."""
    uow = FakeBillingUnitOfWork()
    order.contracted(order_contracted(), uow=uow, now=NOW, instructions=INSTRUCTIONS)
    learn_payment(uow, **on_the_page(ask(uow).checkout_id))
    assert uow.payments.held[PAYMENT_ID].state == "succeeded"
    late = {"intent_id": "pi_late", "status": "open", "received": cny(0), "charge_id": "", "balance": None}
    assert learn_payment(uow, **late) == "closed"
    assert [call["payment_intent_id"] for call in uow.calls("cancel_payment_intent")] == [None, "pi_late"]


def test_a_page_of_another_payment_pays_nothing_here() -> None:
    """Metadata that names a page of somebody else is not taken for ours: a person decides."""
    uow = contracted()
    assert learn_payment(uow, **on_the_page(new_id())) == "in_doubt"
    assert not uow.ledger.transactions
    assert checkout.learn(new_id(), PAYMENT_ID, SESSION, uow=uow) == "not_ours"
    assert checkout.learn(None, None, SESSION, uow=uow) == "not_ours"


def test_an_institution_that_will_not_make_it_fails_it() -> None:
    uow = contracted()
    page = ask(uow).checkout_id
    for _ in range(2):
        checkout.not_made(page, "billing.stripe_refused", uow=uow)
    assert uow.checkouts.held[page].failure == "billing.stripe_refused"
    assert ask(uow).checkout_id != page


def test_janitor_asks_about_a_page_nobody_reports_on() -> None:
    """M3: each look under its own key, and none once it is over."""
    uow = contracted()
    page = ask(uow).checkout_id
    learn(uow, page)
    now = uow.timers[checkout.CHECK_TIMER, str(page)]
    assert now == NOW + timedelta(minutes=1)
    checkout.check_checkout(str(page), uow=uow, now=now)
    (call,) = uow.calls("fetch_stripe_object")
    assert (call["object"], call["id"]) == ("checkout.session", "cs_1")
    learn(uow, page, status="complete", intent_id="pi_page")
    assert uow.calls("fetch_stripe_object")[-1] == {"object": "payment_intent", "id": "pi_page"}
    checkout.check_checkout(str(page), uow=uow, now=now + timedelta(minutes=5))
    assert len(uow.calls("fetch_stripe_object")) == 2


def test_the_cards_bank_asks_the_customer() -> None:
    """3-D Secure: shown while it is so, over once the bank has answered, whichever way."""
    for answer in ({}, {"status": "refused", "received": cny(0), "charge_id": "ch_0", "balance": None}):
        uow = contracted()
        learn_payment(uow, status="action_required", received=cny(0), charge_id="", balance=None)
        assert uow.payments.held[PAYMENT_ID].action_required
        assert uow.payments.held[PAYMENT_ID].state == "pending"
        learn_payment(uow, **answer)
        assert not uow.payments.held[PAYMENT_ID].action_required
