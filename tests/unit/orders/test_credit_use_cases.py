"""Orders on credit: offered where there is a line, released by what billing grants, frozen on the contract."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.orders.adapters.papers import payment_clause
from services.orders.domain.collection_agreement import Collection
from services.orders.domain.credit import CreditNotOffered
from services.orders.domain.order import Order, PaymentMethod, PaymentTerms
from services.orders.use_cases import credit
from services.orders.use_cases import order as order_use_cases
from services.shared.kernel.errors import NotYet
from services.shared.kernel.ids import derived_id, new_id
from services.shared.kernel.money import Money
from services.shared.kernel.payment_schedule import payment_schedule
from services.shared.messages.billing.credit import (
    CreditGranted,
    CreditLineApproved,
    CreditLineSuspended,
    CreditRefused,
)
from services.shared.messages.billing.payment import PaymentSucceeded
from services.shared.messages.orders.order import OfferingWanted, OrderReleased, PlaceOrder
from tests.kit.fakes_orders import CUSTOMER_ID, NOW, OFFERING_ID, REQUESTER, FakeOrdersService, a_shop, an_order, cny

LINE_ID = derived_id("credit_line", 1)
CREDIT_ID = derived_id("credit", 1)
GROSS = 335_808


def a_line(**changes: Any) -> CreditLineApproved:
    fields: dict[str, Any] = {
        "credit_line_id": LINE_ID, "customer_id": CUSTOMER_ID, "limit": cny(10_000_000), "net_days": 30,
        "before_work_bps": 3_000, "valid_until": date(2026, 12, 31), "approved_at": NOW,
    }  # fmt: skip
    return CreditLineApproved(**{**fields, **changes})


def place(shop: FakeOrdersService, *, days: int = 0) -> Order:
    command = PlaceOrder(offerings=(OfferingWanted(offering_id=OFFERING_ID, quantity=3),), payment_method="credit")
    receipt = order_use_cases.place_order(command, actor=REQUESTER, uow=shop, now=NOW + timedelta(days=days))
    return shop.orders.get(receipt.order_id)


def of(order: Order, amount: int) -> dict[str, Any]:
    return {
        "credit_id": CREDIT_ID, "order_id": order.order_id, "order_number": order.number, "customer_id": CUSTOMER_ID,
        "amount": cny(amount),
    }  # fmt: skip


def test_credit_is_offered_where_a_line_is_in_force() -> None:
    """Not before it is approved, in another currency, when it is suspended, or when its time is over."""
    shop = a_shop()
    with pytest.raises(CreditNotOffered):
        place(shop)
    credit.keep_line(a_line(limit=Money(1, "USD")), uow=shop, now=NOW)
    with pytest.raises(CreditNotOffered):
        place(shop)
    credit.keep_line(a_line(), uow=shop, now=NOW)
    assert place(shop).payment_terms == PaymentTerms(payment_schedule(3_000), 30)
    for _ in range(2):
        credit.suspend_line(
            CreditLineSuspended(credit_line_id=LINE_ID, customer_id=CUSTOMER_ID, reason="overdue"), uow=shop, now=NOW
        )
    with pytest.raises(CreditNotOffered):
        place(shop)
    credit.keep_line(a_line(before_work_bps=0), uow=shop, now=NOW)
    assert place(shop, days=38).payment_terms == PaymentTerms(payment_schedule(0), 30)
    with pytest.raises(CreditNotOffered):
        place(shop, days=39)
    assert len(shop.orders.rows) == 2, "a refused order leaves nothing"


@pytest.mark.parametrize(("paid", "reason"), [(0, "credit"), (100_742, "deposit")])
def test_granted_credit_releases_with_what_is_paid_beside_it(paid: int, reason: str) -> None:
    """Told twice it counts once; whichever comes last releases."""
    order = an_order("contracted", payment_method="credit")
    shop = a_shop(order)
    granted = CreditGranted(**of(order, GROSS - paid), net_days=30)
    for _ in range(2):
        credit.take_granted(granted, uow=shop, now=NOW)
    if paid:
        assert not shop.told
        event = PaymentSucceeded(
            payment_id=CREDIT_ID, order_id=order.order_id, order_number="", customer_id=CUSTOMER_ID,
            method="bank_transfer", amount=cny(paid), channel_transaction_id="", succeeded_at=NOW,
        )  # fmt: skip
        order_use_cases.take_payment(event, uow=shop, now=NOW)
    (released,) = [event for event in shop.events if isinstance(event, OrderReleased)]
    assert released.reason == reason


def test_a_refusal_is_written_down_and_releases_nothing() -> None:
    """The customer sees why a payment is asked for; an order that is not known here yet waits."""
    order = an_order("contracted", payment_method="credit")
    shop = a_shop(order)
    credit.note_refused(CreditRefused(**of(order, GROSS), reason="limit_exceeded"), uow=shop, now=NOW)
    assert not shop.told
    assert shop.orders.history == ["credit_refused"]
    with pytest.raises(NotYet):
        credit.take_granted(CreditGranted(**of(an_order(), GROSS), net_days=30), uow=a_shop(), now=NOW)


@pytest.mark.parametrize(
    ("terms", "said", "unsaid"),
    [
        (PaymentTerms(payment_schedule(3_000), 30), "30% of the price before work", "40"),
        (PaymentTerms(payment_schedule(0), 45), "within 45 days of the invoice", "%"),
        (PaymentTerms(payment_schedule(0), 0), "on receipt of the invoice", "days"),
    ],
)
def test_the_contract_says_how_it_is_paid(terms: PaymentTerms, said: str, unsaid: str) -> None:
    """In both languages, and what happens where credit is not granted."""
    zh, en = payment_clause(an_order(payment_method="credit", payment_terms=terms), 14)
    assert said in en
    assert unsaid not in en
    assert "信用额度未获批准" in zh
    if terms.net_days:
        assert f"{terms.net_days} 日内" in zh


@pytest.mark.parametrize("method", ["card", "bank_transfer", "credit"])
def test_the_contract_leaves_out_what_a_voucher_pays(method: PaymentMethod) -> None:
    """It is printed before a voucher is put on the order; where the provider sells none can be."""
    zh, en = payment_clause(an_order(payment_method=method), 14)
    assert "创新券直接抵付的部分，甲方无需支付" in zh
    assert "voucher" in en
    sold = Collection("agent_direct", "provider_account", collection_agreement_id=new_id())
    zh, en = payment_clause(an_order(payment_method="direct_transfer", collection=sold), 14)
    assert "创新券" not in zh
    assert "voucher" not in en
