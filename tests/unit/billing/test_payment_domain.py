"""References that payers state, and how a payment takes money."""

from collections.abc import Callable

import pytest

from services.billing.domain.payment import Payment, PaymentState
from services.shared.kernel.lifecycle import WrongState
from services.shared.kernel.payment_reference import reference_holds, reference_of
from tests.kit.fakes_billing import CUSTOMER_ID, NOW, ORDER_ID


def a_payment(amount: int = 106_000) -> Payment:
    return Payment(ORDER_ID, ORDER_ID, "OR-2026-000123", CUSTOMER_ID, "bank_transfer", "pending", "CNY", amount, NOW)


def test_reference_carries_the_number_and_check_digits() -> None:
    """YQ, the order's digits, then two that make the whole congruent to 1 modulo 97."""
    reference = reference_of("OR-2026-000123")
    assert reference.startswith("YQ2026000123")
    assert len(reference) == 14
    assert int(reference[2:]) % 97 == 1


def test_a_wrong_digit_and_exchanged_digits_show() -> None:
    """Every single wrong digit and every exchange of two different neighbours breaks the check."""
    digits = reference_of("OR-2026-004711")[2:]
    for place, digit in enumerate(digits):
        for other in set("0123456789") - {digit}:
            assert not reference_holds(digits[:place] + other + digits[place + 1 :])
    for place in range(len(digits) - 1):
        exchanged = digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
        assert exchanged == digits or not reference_holds(exchanged)


def test_partial_money_leaves_it_pending() -> None:
    """It succeeds only when nothing is missing; what is over is not taken."""
    payment = a_payment(1_000)
    assert payment.receive(400, "s1", NOW) == 400
    assert (payment.state, payment.missing) == ("pending", 600)
    assert payment.receive(700, "s2", NOW) == 600
    assert (payment.state, payment.charge_id, payment.missing) == ("succeeded", "s2", 0)
    assert payment.receive(50, "s3", NOW) == 0


def _refuse(payment: Payment) -> None:
    payment.refuse("declined", "c")


def _doubt(payment: Payment) -> None:
    payment.doubt("why")


def _succeed(payment: Payment) -> None:
    payment.succeed("c", NOW)


@pytest.mark.parametrize("verb", [_succeed, _refuse, _doubt, Payment.cancel])
@pytest.mark.parametrize("end", ["succeeded", "cancelled", "unknown"])
def test_what_has_ended_stays_ended(end: PaymentState, verb: Callable[[Payment], None]) -> None:
    """No verb leads out of succeeded, cancelled or unknown."""
    payment = a_payment()
    payment.state = end
    with pytest.raises(WrongState):
        verb(payment)
    assert payment.state == end
