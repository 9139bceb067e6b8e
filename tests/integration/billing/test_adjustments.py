"""Adjustments on real PostgreSQL: what the tables refuse, and what happens at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from services.billing.adapters.queries import list_adjustments
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.domain.ledger import Entry, ReversedAlready, contract, entries, mirrored
from services.billing.use_cases.adjustment import approve_adjustment, propose_adjustment, propose_reversal
from services.billing.use_cases.ledger import post_transaction, reverse_transaction
from services.shared.chassis.database import sqlstate
from services.shared.kernel.errors import Conflict, NotFound
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.adjustment import (
    ApproveAdjustment,
    ListAdjustments,
    ProposeAdjustment,
    ProposeReversal,
)
from tests.integration.billing.conftest import Billing, with_vouchers
from tests.integration.billing.refunding import refunded
from tests.integration.billing.voucher_books import a_programme, refusal
from tests.kit.fakes_billing import NOW, ORDER_ID, OTHER_FINANCE, REQUESTER, cny, receipt_card

RECEIVABLE = "A:ar:voucher_programme:x"


def owed(uow: BillingUnitOfWork) -> None:
    """An authority owes 10.00."""
    debt = entries(("D", RECEIVABLE, cny(1_000)), ("C", "E:voucher_loss", cny(1_000)))
    post_transaction(uow, key="test:owed", kind="test", entries=debt, effective_at=NOW, now=NOW)


def proposed(billing: Billing) -> UUID:
    billing.within(owed)
    sides = (("E:bad_debt", "D"), (RECEIVABLE, "C"))
    command = ProposeAdjustment.model_validate(
        {"kind": "write_off", "reason": "破产",
         "entries": tuple({"account": a, "side": s, "amount": 500, "currency": "CNY"} for a, s in sides)}
    )  # fmt: skip
    return billing.run(propose_adjustment, command).adjustment_id


def approve(billing: Billing, adjustment_id: UUID) -> UUID:
    approved = billing.run(approve_adjustment, ApproveAdjustment(adjustment_id=adjustment_id), OTHER_FINANCE)
    assert approved.transaction_id is not None
    return approved.transaction_id


def proposed_reversal(billing: Billing, transaction_id: UUID) -> UUID:
    return billing.run(propose_reversal, ProposeReversal(transaction_id=transaction_id, reason="误记")).adjustment_id


def test_booked_taken_back_and_listed(billing: Billing) -> None:
    """Rows come back as they were; open ones can be asked for; finance only."""
    booked = approve(billing, proposed(billing))
    taken_back = approve(billing, proposed_reversal(billing, booked))
    waiting = proposed(billing)
    assert billing.balance(RECEIVABLE) == -1_000
    assert billing.rows("SELECT reverses_id::text FROM ledger_tx WHERE transaction_id = %s", (str(taken_back),)) == [
        (str(booked),)
    ]
    items = billing.run(list_adjustments, ListAdjustments()).items
    assert [(each.kind, each.state) for each in items] == [
        ("write_off", "proposed"), ("reversal", "approved"), ("write_off", "approved"),
    ]  # fmt: skip
    assert [(each.account, each.amount) for each in items[0].entries] == [("E:bad_debt", 500), (RECEIVABLE, 500)]
    (open_one,) = billing.run(list_adjustments, ListAdjustments(state="proposed")).items
    assert open_one.adjustment_id == waiting
    with pytest.raises(NotFound):
        billing.run(list_adjustments, ListAdjustments(), REQUESTER)
    assert billing.violations() == ()


def test_twenty_approve_two_reversals_of_one_transaction(billing: Billing) -> None:
    """It is taken back once, whoever comes first."""
    booked = approve(billing, proposed(billing))
    both = [proposed_reversal(billing, booked) for _ in range(2)]
    gate = threading.Barrier(20)
    outcomes: list[UUID | Conflict] = []

    def one(number: int) -> None:
        gate.wait()
        try:
            outcomes.append(approve(billing, both[number % 2]))
        except Conflict as error:
            outcomes.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([each for each in outcomes if isinstance(each, UUID)]) == 1
    assert len(outcomes) == 20
    assert billing.balance(RECEIVABLE) == -1_000
    assert billing.rows("SELECT count(*) FROM ledger_tx WHERE reverses_id IS NOT NULL") == [(1,)]
    assert billing.violations() == ()


def _receipt(billing: Billing) -> UUID:
    def deed(uow: object) -> None:
        post_transaction(uow, key="a", kind="test", entries=receipt_card(ORDER_ID, cny(100)), effective_at=NOW, now=NOW)  # type: ignore[arg-type] # a unit of work

    billing.within(deed)
    return derived_id("ledger_tx", "a")


@pytest.mark.parametrize(
    "entries",
    [
        (Entry("A:psp:stripe", "C", 99, "CNY"), Entry(contract(ORDER_ID), "D", 99, "CNY")),
        (Entry("A:bank:main", "C", 100, "CNY"), Entry(contract(ORDER_ID), "D", 100, "CNY")),
        receipt_card(ORDER_ID, cny(100)),
    ],
)
def test_the_database_refuses_a_reversal_that_does_not_mirror(billing: Billing, entries: tuple[Entry, ...]) -> None:
    """Another amount, another account, the same side: whoever writes it."""
    reversed_id = _receipt(billing)
    with pytest.raises(DBAPIError) as refused:
        billing.within(
            lambda uow: post_transaction(
                uow, key="b", kind="reversal", entries=entries, effective_at=NOW, now=NOW, reverses=reversed_id
            )
        )
    assert sqlstate(refused.value) == "23514"


def test_the_database_refuses_a_second_reversal_and_one_of_a_reversal(billing: Billing) -> None:
    """Under any key."""
    reversed_id = _receipt(billing)
    reversal = billing.within(lambda uow: reverse_transaction(uow, reversed_id, effective_at=NOW, now=NOW))
    mirror = mirrored(receipt_card(ORDER_ID, cny(100)))
    same = receipt_card(ORDER_ID, cny(100))

    def again(uow: object) -> None:
        post_transaction(uow, key="other", kind="test", entries=same, effective_at=NOW, now=NOW)  # type: ignore[arg-type] # a unit of work
        post_transaction(
            uow, key="b", kind="reversal", entries=mirror, effective_at=NOW, now=NOW, reverses=reversed_id  # type: ignore[arg-type] # a unit of work
        )  # fmt: skip

    with pytest.raises(Conflict):
        billing.within(again)
    with pytest.raises(ReversedAlready):
        billing.within(lambda uow: reverse_transaction(uow, reversed_id, effective_at=NOW, now=NOW))
    with pytest.raises(DBAPIError) as refused:
        billing.within(
            lambda uow: post_transaction(
                uow, key="c", kind="reversal", entries=same, effective_at=NOW, now=NOW, reverses=reversal
            )
        )
    assert sqlstate(refused.value) == "23514"
    assert billing.rows("SELECT count(*) FROM ledger_tx") == [(2,)]


def test_a_reclassification_beside_a_refund_is_no_part_of_the_split(billing: Billing) -> None:
    """What a person books under an order's name, and takes back, leaves the invariants of its split alone."""
    billing.accepted()
    refunded(billing, 33_333)
    sides = (("R:service", "D"), ("R:cancellation_fee", "C"))
    command = ProposeAdjustment.model_validate(
        {"kind": "reclassification", "reason": "误列", "order_id": ORDER_ID,
         "entries": tuple({"account": a, "side": s, "amount": 500, "currency": "CNY"} for a, s in sides)}
    )  # fmt: skip
    booked = approve(billing, billing.run(propose_adjustment, command).adjustment_id)
    assert billing.violations() == ()
    approve(billing, proposed_reversal(billing, booked))
    assert billing.violations() == ()


def test_two_write_offs_of_one_debt_at_once(billing: Billing) -> None:
    """Each for more than half of it: one is booked, the other finds too little."""

    def wanted() -> UUID:
        told = [{"account": a, "side": s, "amount": 600, "currency": "CNY"} for a, s in sides]
        command = ProposeAdjustment.model_validate({"kind": "write_off", "reason": "破产", "entries": tuple(told)})
        return billing.run(propose_adjustment, command).adjustment_id

    with_vouchers(billing)
    programme = a_programme(billing)
    account = f"A:ar:voucher_programme:{programme.programme_id}"
    sides = (("E:bad_debt", "D"), (account, "C"))
    debt = entries(("D", account, cny(1_000)), ("C", "E:voucher_loss", cny(1_000)))
    billing.within(
        lambda uow: post_transaction(uow, key="test:owed", kind="test", entries=debt, effective_at=NOW, now=NOW)
    )
    both = [wanted() for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda each: refusal(lambda: approve(billing, each)), both))
    assert sorted(said) == ["", "billing.adjustment_more_than_owed"]
    assert billing.balance(account) == -400
