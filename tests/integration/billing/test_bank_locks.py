"""Files of the bank read while others pay out, refund and match by hand: nobody waits in a circle for anybody."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from typing import Any

from services.billing.use_cases import payout, settlement
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.ids import derived_id
from services.shared.kernel.payment_reference import reference_of
from services.shared.messages.billing.payout import CancelPayout, PayoutView
from services.shared.messages.billing.settlement import CloseSettlements
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import approve, ask, bank_says, major
from tests.integration.billing.test_bank_lines import resolve
from tests.kit.fakes_billing import CUSTOMER_ID, LATER, PROVIDER_ID, order_accepted
from tests.kit.real_service import together
from tests.kit.waiting import wait_until
from tests.unit.billing.test_settlement_use_cases import match

ORDERS = {f"OR-2026-{number:06d}": derived_id("order", "locks", number) for number in range(1, 9)}


def deadlocks(billing: Billing) -> int:
    ((found,),) = billing.rows("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    return int(found)


def paid_by_transfer(billing: Billing) -> list[PayoutView]:
    """Every order paid and accepted; each party's statement is released for payment."""
    from services.billing.use_cases import order

    for number, order_id in ORDERS.items():
        billing.contracted(order_id, number, method="bank_transfer")
    bank_says(billing, *[(number, "in", "1060.00", reference_of(number)) for number in ORDERS])
    for number, order_id in ORDERS.items():
        billing.handle(order.accepted, order_accepted(order_id, number, method="bank_transfer"))
    closed = billing.run(settlement.close_settlements, CloseSettlements(until=date(2026, 11, 23))).items
    for stated in closed:
        billing.within(partial(lambda stated, uow: match(uow, stated), stated))
    started = [billing.start_payout(stated.settlement_id) for stated in closed]
    for each in started:
        billing.release_payout(each.payout_id)
    return started


def test_a_file_waits_for_payments_before_it_holds_a_party(billing: Billing) -> None:
    """Who holds a payment and wants its provider gets it, though a file that names both is being read."""
    started = paid_by_transfer(billing)
    billing.make_bank_order(*(each.payout_id for each in started))
    before = deadlocks(billing)
    number, order_id = next(iter(ORDERS.items()))
    lines = [(f"out{each.number}", "out", major(each.amount), each.number) for each in started]
    with ThreadPoolExecutor(1) as threads:
        with billing.transaction() as uow:
            assert uow.payments.find(payment_id_of(order_id)) is not None
            file = threads.submit(bank_says, billing, *lines, ("again", "in", "1060.00", reference_of(number)))
            wait_until(lambda: billing.rows("SELECT 1 FROM pg_locks WHERE NOT granted") != [])
            uow.connection.exec_driver_sql("SET LOCAL lock_timeout = '3s'")
            assert uow.organisations.find(PROVIDER_ID, lock=True) is not None
        read = file.result()
    assert (read.matched, read.suspense) == (len(started) + 1, 0)
    assert deadlocks(billing) == before
    assert billing.violations() == ()


def test_files_payouts_and_refunds_at_once(billing: Billing) -> None:
    """Two files that name the same in both orders, bank orders, cancellations, refunds, work by hand: no deadlock."""
    started = paid_by_transfer(billing)
    paid, *others = started
    billing.make_bank_order(paid.payout_id)
    waiting = bank_says(billing, *[(f"w{n}", "in", "10.00", "?") for n in range(4)]).lines
    refunds = [ask(billing, 10_000, order_id=order_id) for order_id in ORDERS.values()]
    before = deadlocks(billing)
    lines = [
        ("po", "out", major(paid.amount), paid.number), ("back", "in", major(paid.amount), paid.number),
        *[(f"again{number}", "in", "1060.00", reference_of(number)) for number in ORDERS],
    ]  # fmt: skip
    deeds: list[Callable[[], object]] = [
        partial(bank_says, billing, *lines), partial(bank_says, billing, *reversed(lines), ("x", "in", "1.00", "?")),
    ]  # fmt: skip
    deeds += [partial(approve, billing, each) for each in refunds]
    deeds += [partial(billing.make_bank_order, each.payout_id) for each in others]
    deeds += [partial(_cancel, billing, each) for each in others]
    deeds += [
        partial(resolve, billing, line.bank_line_id, ("customer_credit", CUSTOMER_ID, 1_000)) for line in waiting
    ]  # fmt: skip
    answers: list[Any] = together(deeds)
    refused = [str(each) for each in answers if isinstance(each, Exception)]
    assert len(refused) == len(others), refused  # told to the bank or cancelled, never both
    assert deadlocks(billing) == before
    assert billing.told.count("payout.returned.v1") == 1
    assert billing.violations() == ()


def _cancel(billing: Billing, started: PayoutView) -> object:
    return billing.run(payout.cancel_payout, CancelPayout(payout_id=started.payout_id), now=LATER)
