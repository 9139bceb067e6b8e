"""What an order does with payments, and when it may be cancelled."""

from datetime import timedelta

import pytest

from services.orders.domain.cover import Cover, CoverKind
from services.orders.domain.order import LIFECYCLE, OrderState, PartlyPaid
from services.orders.domain.waiting import blocked_by
from services.shared.kernel.ids import derived_id, new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.kernel.money import CurrencyMismatch, Money
from tests.kit.fakes_orders import NOW, a_price, an_offering, an_order, cny, some_terms

GROSS = 335_808


def test_work_is_released_when_the_gross_is_there_and_not_a_fen_before() -> None:
    """Several payments may make up the gross; the one that reaches it releases."""
    order = an_order("contracted")
    order.take_payment(new_id(), cny(GROSS - 1), NOW)
    assert order.release_when_due(NOW) is None
    order.take_payment(new_id(), cny(1), NOW)
    assert order.release_when_due(NOW) == "paid"
    assert (order.state, order.released_at) == ("released", NOW)


def test_a_payment_counts_once() -> None:
    """Its id is what makes it one, however often it is told."""
    order = an_order("contracted")
    payment = derived_id("payment", 1)
    assert order.take_payment(payment, cny(GROSS // 2), NOW)
    assert not order.take_payment(payment, cny(GROSS // 2), NOW)
    assert order.paid == cny(GROSS // 2)


def test_money_in_another_currency_is_refused() -> None:
    """It cannot be added to what is there."""
    with pytest.raises(CurrencyMismatch):
        an_order("contracted").take_payment(new_id(), Money(GROSS, "USD"), NOW)


def test_paid_before_the_last_signature_waits_for_it() -> None:
    """An order that is not contracted is not released, whatever was paid."""
    order = an_order("placed")
    order.take_payment(new_id(), cny(GROSS), NOW)
    assert order.release_when_due(NOW) is None
    order.contract(some_terms(), NOW)
    assert order.release_when_due(NOW) == "paid"


@pytest.mark.parametrize(
    ("kinds", "reason"),
    [(("voucher",), "paid"), (("voucher", "credit"), "deposit"), (("funding",), "internal")],
)
def test_payments_and_covers_together_release_and_the_reason_says_what_covers(
    kinds: tuple[CoverKind, ...], reason: str
) -> None:
    """A voucher for a part stands beside what is paid; credit and own funds are told apart from money that is here."""
    order = an_order("contracted")
    order.take_payment(new_id(), cny(GROSS - 1_000 * len(kinds)), NOW)
    for kind in kinds:
        assert order.release_when_due(NOW) is None
        order.take_cover(new_id(), Cover(kind, cny(1_000)), NOW)
    assert order.release_when_due(NOW) == reason
    assert order.release_when_due(NOW) is None, "once"


def test_a_cover_counts_once_and_is_gone_when_dropped() -> None:
    """It is told again, and taken back: neither twice."""
    order = an_order("contracted")
    voucher = new_id()
    assert order.take_cover(voucher, Cover("voucher", cny(GROSS // 2)), NOW)
    assert not order.take_cover(voucher, Cover("voucher", cny(GROSS)), NOW)
    assert order.sure == cny(GROSS // 2)
    assert order.drop_cover(voucher, NOW)
    assert not order.drop_cover(voucher, NOW)
    assert order.sure == cny(0)
    with pytest.raises(CurrencyMismatch):
        order.take_cover(voucher, Cover("voucher", Money(1, "USD")), NOW)


@pytest.mark.parametrize("state", ["in_progress", "delivered", "accepted", "closed", "cancelled"])
def test_work_that_has_begun_cannot_be_cancelled(state: OrderState) -> None:
    """From the first sample on there is a dispute or a refund, but no cancellation."""
    order = an_order(state)
    with pytest.raises(WrongState):
        order.cancel("", NOW)
    with pytest.raises(WrongState):
        order.cancel_unpaid(NOW)
    assert order.state == state


def test_an_order_for_which_something_was_paid_is_not_cancelled_by_time() -> None:
    """Somebody paid 0.50 too little: that is looked at by a person."""
    order = an_order("contracted")
    order.take_payment(new_id(), cny(GROSS - 50), NOW)
    with pytest.raises(PartlyPaid):
        order.cancel_unpaid(NOW)
    assert order.state == "contracted"


def test_acceptance_days_come_from_the_frozen_terms() -> None:
    """The setting of the day does not count for an order that was contracted under another."""
    order = an_order("in_progress", terms=some_terms(acceptance_days=3))
    assert order.deliver(NOW) == NOW + timedelta(days=3)


@pytest.mark.parametrize("verb", list(LIFECYCLE.transitions))
def test_nothing_can_be_done_with_a_closed_or_cancelled_order(verb: str) -> None:
    """They are the ends; but the objection days may be longer than it takes to close."""
    for state in ("closed", "cancelled"):
        if (verb, state) == ("object", "closed"):
            continue
        with pytest.raises(WrongState):
            LIFECYCLE.after(verb, state)


def test_an_order_says_what_it_waits_for() -> None:
    """Each state has its codes; an order at its end waits for nothing."""
    assert blocked_by("placed", (), ()) == ("awaiting_papers",)
    assert blocked_by("placed", ("provider",), ()) == ("awaiting_signature_provider",)
    assert blocked_by("contracted", (), ()) == ("awaiting_payment",)
    assert blocked_by("released", (), ("expected",)) == ("awaiting_samples",)
    assert blocked_by("in_progress", (), ("received", "rejected")) == ("awaiting_samples", "awaiting_report")
    assert blocked_by("in_progress", (), ("received",)) == ("awaiting_report",)
    assert blocked_by("delivered", (), ()) == ("awaiting_acceptance",)
    assert blocked_by("closed", (), ()) == ()


def test_the_price_in_force_is_the_latest_that_has_begun() -> None:
    """A price announced for tomorrow does not count today, and yesterday's does not count after today's began."""
    offering = an_offering(
        prices=(
            a_price(3, valid_from=NOW + timedelta(days=1)),
            a_price(1, valid_from=NOW - timedelta(days=9)),
            a_price(2, valid_from=NOW),
        )
    )
    in_force = offering.price_at(NOW)
    assert in_force is not None
    assert in_force.unit_price == cny(2)
    assert offering.price_at(NOW - timedelta(days=10)) is None
