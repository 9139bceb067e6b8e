"""What parties give back after a refund: earned less, kept from what is payable, owed until the next statement."""

from datetime import date
from uuid import UUID

import pytest

from services.billing.domain.commission import Split, refund, split, whole
from services.billing.domain.ledger import INPUT_VAT_PENDING, PROVIDER_COST, check_balanced, owed, receivable
from services.billing.domain.settlement import OrderHeld
from services.billing.use_cases import clawback
from services.billing.use_cases.ledger import post_transaction
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.settlement import SettlementOrdersPaid, SettlementPaid
from tests.kit.fakes_billing import (
    LATER,
    NOW,
    ORDER_ID,
    PROVIDER_ID,
    FakeBillingUnitOfWork,
    amounts,
    cny,
)
from tests.unit.billing.test_settlement_use_cases import (
    accepted,
    bank_says,
    close,
    match,
    of_kind,
    order_of_bank,
    release,
    start,
)

SECOND_ID = derived_id("order", "two")
PAYABLE = owed("provider", PROVIDER_ID, "payable")
ACCRUED = owed("provider", PROVIDER_ID, "accrued")
OWES = receivable("provider", PROVIDER_ID)
ALL = date(2026, 12, 31)


def a_third(uow: FakeBillingUnitOfWork, net: int = 33_333) -> Split:
    """What a refund of *net* of TV01 takes from each (TV10, first step)."""
    terms = uow.orders.held[ORDER_ID].split_terms
    _, less = refund(terms, whole(terms), net)
    return less


def take_back(uow: FakeBillingUnitOfWork, less: Split, key: str = "refund:1", order_id: UUID = ORDER_ID) -> None:
    order = uow.orders.find(order_id)
    assert order is not None
    entries = clawback.take_back(order, less, key=key, uow=uow, now=LATER)
    check_balanced(entries)
    post_transaction(uow, key=key, kind="refund", entries=entries, effective_at=LATER, now=LATER)


def paid_out(uow: FakeBillingUnitOfWork) -> None:
    stated = of_kind(close(uow, ALL), "provider")
    match(uow, stated)
    started = start(uow, stated)
    order_of_bank(uow, release(uow, started))
    bank_says(uow, f"b-{started.number}", f"{stated.to_pay.amount / 100:.2f}", started.number)


def test_what_no_statement_lists_is_earned_less() -> None:
    """The next statement lists the order and its correction; the invoice is over what is left."""
    uow = accepted()
    take_back(uow, a_third(uow))
    assert uow.ledger.balance(ACCRUED) == 60_000
    assert uow.ledger.balance(PROVIDER_COST) == -60_000
    stated = of_kind(close(uow, ALL), "provider")
    lines = uow.accruals.lines(stated.settlement_id)
    assert [(line.kind, line.net, line.tax) for line in lines] == [
        ("acceptance", 90_000, 5_400),
        ("correction", -30_000, -1_800),
    ]
    assert (stated.net, stated.tax) == (cny(60_000), cny(3_600))
    assert all(line.order_net - line.fee == line.net for line in lines)
    match(uow, stated)
    assert (uow.ledger.balance(ACCRUED), uow.ledger.balance(PAYABLE)) == (0, 63_600)


def test_an_order_that_is_taken_back_whole_has_a_statement_without_money() -> None:
    """There is nothing to invoice, and it is over: the order is told with it, once."""
    uow = accepted()
    terms = uow.orders.held[ORDER_ID].split_terms
    take_back(uow, split(terms))
    items = close(uow, ALL).items
    assert [(each.party_kind, each.state, each.gross) for each in items] == [
        ("provider", "paid", cny(0)), ("station", "paid", cny(0)),
    ]  # fmt: skip
    (told,) = uow.events(SettlementOrdersPaid)
    assert told.order_ids == (ORDER_ID,)
    assert close(uow, ALL).items == ()
    assert uow.ledger.balance(ACCRUED) == 0


def test_what_a_statement_lists_is_kept_from_what_is_payable_and_the_rest_from_the_next_one() -> None:
    """TV11: 200.00 are payable, 118.00 are owed; the next statement pays 118.00 less. The invoices stay whole."""
    uow = accepted()
    paid_out(uow)
    accepted(uow, SECOND_ID, "OR-2026-000124", money=amounts(20_964, 1_258), station=False)
    second = of_kind(close(uow, ALL), "provider")
    match(uow, second)
    assert uow.ledger.balance(PAYABLE) == 20_000
    take_back(uow, a_third(uow))
    assert (uow.ledger.balance(PAYABLE), uow.ledger.balance(OWES)) == (0, -11_800)
    assert uow.settlements.get(second.settlement_id).state == "paid", "by what the provider owed"
    told = [event for event in uow.events(SettlementPaid) if event.settlement_id == second.settlement_id]
    assert [event.payout_id for event in told] == [None]
    booked = uow.ledger.transactions["refund:1"].entries
    assert [(entry.account, entry.side, entry.amount) for entry in booked[:4]] == [
        (PAYABLE, "D", 20_000),
        (OWES, "D", 11_800),
        (PROVIDER_COST, "C", 30_000),
        (INPUT_VAT_PENDING, "C", 1_800),
    ]
    third_id = derived_id("order", "three")
    accepted(uow, third_id, "OR-2026-000125", money=amounts(), station=False)
    third = of_kind(close(uow, ALL), "provider")
    match(uow, third)
    assert (uow.ledger.balance(PAYABLE), uow.ledger.balance(OWES)) == (95_400 - 11_800, 0)
    started = start(uow, third)
    assert started.amount == cny(83_600)


def test_a_payout_that_is_only_started_is_cancelled_and_started_anew_with_less() -> None:
    """Who releases would else release more than is owed."""
    uow = accepted()
    stated = of_kind(close(uow, ALL), "provider")
    match(uow, stated)
    first = start(uow, stated)
    take_back(uow, a_third(uow))
    assert uow.payouts.get(first.payout_id).state == "cancelled"
    again = start(uow, stated)
    assert again.amount == cny(95_400 - 31_800)
    order_of_bank(uow, release(uow, again))
    assert uow.ledger.balance(PAYABLE) == 0


def test_a_held_order_is_on_no_statement_and_its_settlement_is_not_paid() -> None:
    """Neither started nor released while anything holds it; each reason holds by itself."""
    uow = accepted()
    uow.accruals.hold(ORDER_ID, "dispute", NOW)
    assert close(uow, ALL).items == ()
    uow.accruals.unhold(ORDER_ID, "dispute")
    stated = of_kind(close(uow, ALL), "provider")
    match(uow, stated)
    for reason in ("dispute", "chargeback"):
        uow.accruals.hold(ORDER_ID, reason, NOW)
    uow.accruals.unhold(ORDER_ID, "dispute")
    with pytest.raises(OrderHeld):
        start(uow, stated)
    uow.accruals.unhold(ORDER_ID, "chargeback")
    started = start(uow, stated)
    uow.accruals.hold(ORDER_ID, "dispute", NOW)
    with pytest.raises(OrderHeld):
        release(uow, started)


def test_a_party_may_earn_more_by_a_refund() -> None:
    """With tiers a smaller order may pay another rate; what a statement lists already is corrected on the next."""
    uow = accepted()
    stated = of_kind(close(uow, ALL), "provider")
    less = Split(0, 0, 0, fee=100, station_share=0, provider_net=-100, kept=0, provider_tax=-6, station_tax=0)
    take_back(uow, less)
    (line,) = uow.accruals.lines(of_kind(close(uow, ALL), "provider").settlement_id)
    assert (line.kind, line.corrects, line.net, line.tax) == ("correction", stated.number, 100, 6)
