"""What a lost chargeback recovers: where a refund is agreed, nothing was performed, or a voucher paid a part."""

from uuid import UUID

import pytest

from services.billing.domain.ledger import contract, dispute
from services.billing.domain.ledger import refund as refund_account
from services.billing.domain.programme import Tier
from services.billing.use_cases import order
from services.billing.use_cases.payment import payment_id_of
from services.billing.use_cases.refund import refund_for_chargeback
from services.shared.kernel.ids import derived_id
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import approve, ask, card_says, order_cancelled, paid, red_letter
from tests.integration.billing.voucher_books import a_programme, a_voucher, accept, pay, place, reserve, sign
from tests.kit.fakes_billing import COOLING_OFF, NOW, ORDER_ID, cny
from tests.kit.fakes_voucher import some_rules

CHARGEBACK_ID = derived_id("chargeback", "one")


def lose(billing: Billing, gross: int) -> int:
    """The bank leaves the customer *gross*. Returns what is recovered."""
    with billing.transaction() as uow:
        agreed = uow.orders.get(ORDER_ID)
        payment = uow.payments.find(payment_id_of(ORDER_ID))
        assert payment is not None
        return refund_for_chargeback(agreed, payment, CHARGEBACK_ID, gross, uow=uow, now=NOW)


def letters_confirmed(billing: Billing) -> None:
    from services.billing.use_cases.refund import red_letter_confirmed

    for (refund_id,) in billing.rows("SELECT refund_id FROM refund WHERE state = 'awaiting_red_letter'"):
        with billing.transaction() as uow:
            red_letter_confirmed(UUID(str(refund_id)), uow=uow, now=NOW, cooling_off=COOLING_OFF)


def test_of_a_cancelled_order_nothing_stands_to_come_down(billing: Billing) -> None:
    """TV22, and then the kept 212.00 are charged back: nobody owes them to us."""
    paid(billing)
    billing.handle(order.cancelled, order_cancelled(kept=cny(21_200), to_provider=cny(19_080)))
    assert billing.balance(contract(ORDER_ID)) == 0
    assert lose(billing, 21_200) == 0
    assert billing.violations() == ()


@pytest.mark.parametrize("failed", [False, True], ids=["awaits its red letter", "the institution refused it"])
def test_what_was_to_go_back_has_gone_back(billing: Billing, *, failed: bool) -> None:
    """A refund that is agreed and not paid is paid by the chargeback; only the rest lowers the order further."""
    paid(billing)
    if not failed:
        billing.accepted()
    agreed = approve(billing, ask(billing, 50_000))
    if failed:
        card_says(billing, agreed, succeeded=False)
    assert lose(billing, 106_000) == 106_000
    letters_confirmed(billing)
    assert billing.rows("SELECT DISTINCT state FROM refund") == [("succeeded",)]
    assert billing.balance(refund_account(agreed.refund_id)) == 0
    assert billing.balance(dispute(CHARGEBACK_ID)) == 106_000
    assert billing.balance(contract(ORDER_ID)) == 0
    assert billing.violations() == ()


@pytest.mark.parametrize("accepted", [False, True], ids=["before acceptance", "after it"])
def test_of_an_order_with_a_voucher(books: Billing, *, accepted: bool) -> None:
    """TV06: all the customer paid is charged back; the programme's part goes with it, and nothing is a bad debt."""
    place(books)
    reserve(books, a_voucher(books, a_programme(books)))
    sign(books)
    pay(books)
    if accepted:
        accept(books)
    assert lose(books, 6_480_000) == 6_480_000
    letters_confirmed(books)
    assert books.rows("SELECT asked, to_programme FROM refund") == [(8_000_000, 2_000_000)]
    assert books.balance("R:service") == 0
    assert books.violations() == ()


def test_all_of_a_refund_is_the_programmes(books: Billing) -> None:
    """The customer's least own payment stands: nothing goes back to it, and the refund has succeeded all the same."""
    rules = some_rules(tiers=(Tier(None, 10_000),), cap_order=None, cap_holder_year=None, min_own_payment=5_000_000)
    place(books)
    reserve(books, a_voucher(books, a_programme(books, rules=rules)))
    sign(books)
    pay(books)
    accept(books)
    agreed = approve(books, ask(books, 100_000))
    red_letter(books, agreed)
    ((state, to_programme, parts),) = books.rows("SELECT state, to_programme, parts FROM refund")
    assert (state, to_programme, parts) == ("succeeded", 106_000, [])
    assert books.told.count("refund.succeeded.v1") == 1
    assert books.violations() == ()
