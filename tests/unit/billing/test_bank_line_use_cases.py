"""What waits in suspense is resolved, confirmed and taken back; what is over pays another order."""

from typing import Any
from uuid import UUID

import pytest

from services.billing.domain.bank_line import NotUndoable, SameHandsResolve
from services.billing.domain.bank_line_part import PartsDiffer
from services.billing.domain.customer_credit import CreditDiffers
from services.billing.domain.ledger import (
    BANK_FEE,
    INTEREST,
    SUSPENSE,
    AccountOverdrawn,
)
from services.billing.use_cases import order
from services.billing.use_cases.customer_credit import apply_customer_credit
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound, Refused
from services.shared.kernel.ids import new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.billing.bank_line import (
    BankLineReopened,
    BankLineResolved,
)
from services.shared.messages.billing.customer_credit import ApplyCustomerCredit
from services.shared.messages.billing.payment import PaymentSucceeded
from services.shared.messages.orders.order import OrderCancelled
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    DISPUTE_OPERATOR,
    FINANCE,
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    PROVIDER_ID,
    cny,
)
from tests.kit.finance_desk import Desk

PAYMENT_ID = payment_id_of(ORDER_ID)
SECOND_ID = new_id()
MOTHER = "青城集团有限公司"


def test_resolved_in_parts() -> None:
    """The operator splits a line between orders and the customer's credit: suspense empties into them, once."""
    desk = Desk()
    desk.waits_for(SECOND_ID, "OR-2026-000124")
    line = desk.came("2000.00", "货款")
    parts = (
        ("payment", PAYMENT_ID, 106_000),
        ("payment", payment_id_of(SECOND_ID), 90_000),
        ("customer_credit", CUSTOMER_ID, 4_000),
    )
    shown = desk.resolve(line, *parts)
    assert (shown.state, [part.amount.amount for part in shown.parts]) == ("matched", [106_000, 90_000, 4_000])
    assert desk.balances() == (200_000, 0, 106_000, 4_000)
    assert (desk.missing(), desk.missing(SECOND_ID)) == (0, 16_000)
    with pytest.raises(WrongState):
        desk.resolve(line, *parts)
    (event,) = desk.uow.events(BankLineResolved)
    assert (event.reason, len(event.parts)) == ("看过回单", 3)


def test_parts_must_fit() -> None:
    """Not more or less than the line, nor than an order waits for, nor twice the same, nor against its direction."""
    desk = Desk()
    line = desk.came("2000.00", "货款")
    wrong: list[tuple[tuple[str, UUID | None, int], ...]] = [
        (("payment", PAYMENT_ID, 106_000),),
        (("payment", PAYMENT_ID, 200_000),),
        (("payment", PAYMENT_ID, 100_000), ("payment", PAYMENT_ID, 100_000)),
        (("payment", None, 200_000),),
        (("fee", None, 200_000),),
        (("returned", line.bank_line_id, 200_000),),
        (("customer_credit", None, 200_000),),
    ]
    for parts in wrong:
        with pytest.raises(PartsDiffer):
            desk.resolve(line, *parts)
    for target in (
        ("payment", new_id(), 200_000),
        ("customer_credit", PROVIDER_ID, 200_000),
        ("returned", new_id(), 200_000),
    ):
        with pytest.raises(NotFound):
            desk.resolve(line, target)
    with pytest.raises(NotAllowed):
        desk.resolve(line, ("payment", PAYMENT_ID, 200_000), actor=DISPUTE_OPERATOR)
    assert desk.balances() == (200_000, 200_000, 0, 0)


def test_the_banks_own() -> None:
    """A fee that went out is cost, interest that came in is revenue."""
    desk = Desk()
    desk.resolve(desk.came("12.00", "手续费", direction="out"), ("fee", None, 1_200))
    desk.resolve(desk.came("3.00", "结息"), ("interest", None, 300))
    assert (desk.uow.ledger.balance(BANK_FEE), desk.uow.ledger.balance(INTEREST)) == (-1_200, 300)
    assert desk.uow.ledger.balance(SUSPENSE) == 0


def test_money_that_was_sent_back() -> None:
    """What came in by mistake and went out again is a pair; either opens with the other."""
    desk = Desk()
    came, went = desk.came("50.00", "误付"), desk.came("50.00", "退回", direction="out")
    with pytest.raises(PartsDiffer):
        desk.resolve(came, ("returned", desk.came("51.00", "退回", direction="out").bank_line_id, 5_000))
    desk.resolve(went, ("returned", came.bank_line_id, 5_000))
    states = {line.serial_number: line.state for line in desk.uow.bank_lines.held.values()}
    assert states == {"s1": "matched", "s2": "matched", "s3": "suspense"}
    assert desk.undo(came).state == "suspense"
    assert desk.uow.bank_lines.held[went.bank_line_id].state == "suspense"


def test_a_large_line_needs_a_second_person() -> None:
    """Above the setting it is proposed; who proposed it does not confirm it; what was paid meanwhile refuses."""
    desk = Desk()
    line = desk.came("1060.00", "货款")
    shown = desk.resolve(line, ("payment", PAYMENT_ID, 106_000), alone_max=105_999)
    assert (shown.state, shown.proposal is not None) == ("suspense", True)
    with pytest.raises(SameHandsResolve):
        desk.confirm(line, FINANCE)
    with pytest.raises(NotAllowed):
        desk.confirm(line, DISPUTE_OPERATOR)
    assert desk.balances() == (106_000, 106_000, 0, 0)
    assert desk.confirm(line, OTHER_FINANCE).state == "matched"
    with pytest.raises(WrongState):
        desk.confirm(line, OTHER_FINANCE)
    other = desk.came("1060.00", "货款")
    desk.waits_for(SECOND_ID, "OR-2026-000124")
    desk.resolve(other, ("payment", payment_id_of(SECOND_ID), 106_000), alone_max=0)
    desk.came("1060.00", desk.reference(SECOND_ID))
    with pytest.raises(PartsDiffer):
        desk.confirm(other, OTHER_FINANCE)


def test_taken_back_by_a_reversal() -> None:
    """What was matched wrongly waits again; the ledger keeps both; then it is matched rightly, as often as needed."""
    desk = Desk()
    desk.waits_for(SECOND_ID, "OR-2026-000124")
    line = desk.came("500.00", "货款")
    for _ in range(2):
        desk.resolve(line, ("payment", PAYMENT_ID, 50_000))
        assert desk.undo(line).reason == "undone"
        assert desk.balances() == (50_000, 50_000, 0, 0)
        assert desk.missing() == 106_000
    desk.resolve(line, ("payment", payment_id_of(SECOND_ID), 50_000))
    assert desk.missing(SECOND_ID) == 56_000
    assert len(desk.uow.events(BankLineReopened)) == 2
    assert sum(tx.reverses is not None for tx in desk.uow.ledger.transactions.values()) == 2


def test_an_automatic_match_is_taken_back_too() -> None:
    """A line that never stood in suspense stands there then."""
    desk = Desk()
    line = desk.came("500.00", desk.reference())
    desk.undo(line)
    assert desk.balances() == (50_000, 50_000, 0, 0)
    desk.resolve(line, ("customer_credit", CUSTOMER_ID, 50_000))
    assert desk.balances() == (50_000, 0, 0, 50_000)


def test_what_is_not_taken_back() -> None:
    """A paid order is undone by a refund; used credit is gone; who is not finance takes nothing back."""
    desk = Desk()
    paid = desk.came("1060.00", desk.reference())
    with pytest.raises(WrongState):
        desk.undo(paid)
    again = desk.came("1060.00", desk.reference())
    desk.waits_for(SECOND_ID, "OR-2026-000124")
    applied(desk, 106_000, SECOND_ID)
    with pytest.raises(AccountOverdrawn):
        desk.undo(again)
    with pytest.raises(NotAllowed):
        desk.undo(again, actor=DISPUTE_OPERATOR)
    waiting = desk.came("1.00", "?")
    with pytest.raises(WrongState):
        desk.undo(waiting)


def applied(desk: Desk, amount: int, order_id: UUID, customer: UUID = CUSTOMER_ID, actor: Actor = FINANCE) -> int:
    command = ApplyCustomerCredit(customer_id=customer, payment_id=payment_id_of(order_id), amount=cny(amount))
    return apply_customer_credit(command, actor=actor, uow=desk.uow, now=NOW).missing.amount


def test_credit_pays_another_order() -> None:
    """Of the same customer, as far as it waits and as there is credit; the order is told when it is paid."""
    desk = Desk()
    desk.resolve(desk.came("1500.00", "预付"), ("customer_credit", CUSTOMER_ID, 150_000))
    assert applied(desk, 6_000, ORDER_ID) == 100_000
    assert applied(desk, 100_000, ORDER_ID) == 0
    assert desk.balances() == (150_000, 0, 106_000, 44_000)
    assert len(desk.uow.events(PaymentSucceeded)) == 1
    desk.waits_for(SECOND_ID, "OR-2026-000124")
    refusals: list[tuple[type[Refused], dict[str, Any]]] = [
        (AccountOverdrawn, {"amount": 50_000}),
        (CreditDiffers, {"amount": 106_001}),
        (NotFound, {"customer": PROVIDER_ID}),
        (NotAllowed, {"actor": DISPUTE_OPERATOR}),
    ]
    for refusal, change in refusals:
        with pytest.raises(refusal):
            applied(desk, **{"amount": 1_000, "order_id": SECOND_ID, **change})


def test_money_for_a_cancelled_order() -> None:
    """It is the customer's credit; of somebody else it waits."""
    desk = Desk()
    order.cancelled(
        OrderCancelled(order_id=ORDER_ID, number="", customer_id=CUSTOMER_ID, provider_id=PROVIDER_ID, reason=""),
        uow=desk.uow, now=NOW,
    )  # fmt: skip
    assert desk.came("7.00", desk.reference()).reason == "not_waiting"
    assert desk.came("7.00", desk.reference(), payer=MOTHER).reason == "payer_mismatch"
    assert desk.balances() == (1_400, 700, 0, 700)


def test_a_payouts_line_is_not_undone_here() -> None:
    """It has steps of its own."""
    desk = Desk()
    line = desk.came("5.00", "x", direction="out")
    desk.uow.bank_lines.held[line.bank_line_id].match("payout/1")
    with pytest.raises(NotUndoable):
        desk.undo(line)
