"""Receivables on real PostgreSQL: owed, invoiced, reminded of, paid, given up."""

from datetime import date, timedelta
from functools import partial
from uuid import UUID

import pytest

from services.billing.adapters import credit_queries
from services.billing.domain.receivable import (
    NothingOpen,
    NotProposed,
    OpenAmountChanged,
    SameHands,
)
from services.billing.use_cases import order, payment, receivable
from services.billing.use_cases.bank_line import undo_bank_line
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.errors import NotYet
from services.shared.kernel.ids import derived_id
from services.shared.kernel.times import end_of_business_day
from services.shared.messages.billing.bank_line import UndoBankLine
from services.shared.messages.billing.receivable import (
    ApproveWriteOff,
    GetAgeing,
    GetStatementOfAccount,
    PayReceivable,
    ProposeWriteOff,
    ReceivableView,
)
from tests.integration.billing.conftest import Billing
from tests.integration.billing.on_credit import (
    DEPOSIT,
    INVOICED_ON,
    ON_CREDIT,
    RECEIVABLE_ID,
    REMINDING,
    TV18,
    a_line,
    entries,
    invoiced,
    line_now,
    owed,
    pay,
    state,
    told,
)
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    INSTRUCTIONS,
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    OWN_ACCOUNT,
    REQUESTER,
    amounts,
    card_facts,
    cny,
    order_accepted,
)


def test_tv18(billing: Billing) -> None:
    """Invoiced on 2026-12-05 net 30: due 2027-01-04; 10,000.00 paid: overdue 11,200.00."""
    a_line(billing)
    owed(billing, TV18, station=False)
    ((due_on,),) = billing.rows("SELECT due_on FROM receivable")
    assert due_on == date(2027, 1, 4)
    pay(billing, "10000.00")
    assert entries(billing, f"bank:{OWN_ACCOUNT}:s1") == [
        ("D", "A:bank:main", 1_000_000),
        ("C", f"A:ar:customer:{CUSTOMER_ID}", 1_000_000),
    ]
    last_moment = end_of_business_day(due_on) - timedelta(seconds=1)
    assert line_now(billing, last_moment).overdue == cny(0)
    late = end_of_business_day(due_on)
    assert line_now(billing, late).overdue == cny(1_120_000)
    (row,) = billing.run(credit_queries.get_ageing, GetAgeing(), now=late).rows
    assert (row.current, row.days_1_30, row.open) == (cny(0), cny(1_120_000), cny(1_120_000))
    (accrued,) = billing.rows("SELECT net + tax, payable_from::date FROM accrual")
    assert accrued[0] == 1_908_000
    assert accrued[1] <= date(2027, 2, 3), "the provider does not wait for the customer"
    pay(billing, "11200.00", "s2")
    assert state(billing) == ("paid", 2_120_000, 0)
    assert billing.balance(f"A:ar:customer:{CUSTOMER_ID}") == 0
    assert billing.violations() == ()


def test_tv19(billing: Billing) -> None:
    """30/70 of TV14: the deposit before work, the rest on the invoice; one reference for both."""
    money = amounts(316_800, 19_008)
    a_line(billing, before_work_bps=3_000)
    billing.contracted(money=money, **DEPOSIT)
    assert billing.rows("SELECT amount, part FROM payment") == [(100_742, 1)]
    assert billing.rows("SELECT amount, state FROM credit") == [(235_066, "granted")]
    pay(billing, "1007.41")
    assert "payment.succeeded.v1" not in billing.told
    pay(billing, "0.01", "s2")
    assert "payment.succeeded.v1" in billing.told
    billing.handle(order.accepted, order_accepted(money=money, **DEPOSIT))
    posted = entries(billing, f"accept:{ORDER_ID}")
    assert ("D", f"L:contract:{ORDER_ID}", 100_742) in posted
    assert ("D", f"A:ar:customer:{CUSTOMER_ID}", 235_066) in posted
    billing.handle(receivable.invoiced, invoiced(money=money), INVOICED_ON, **REMINDING)
    pay(billing, "2350.66", "s3")
    assert state(billing) == ("paid", 235_066, 0)
    assert billing.rows("SELECT part, amount, received, state FROM payment ORDER BY part") == [
        (1, 100_742, 100_742, "succeeded"),
        (2, 235_066, 235_066, "succeeded"),
    ]
    assert billing.balance(f"L:contract:{ORDER_ID}") == billing.balance(f"A:ar:customer:{CUSTOMER_ID}") == 0
    assert billing.violations() == ()


def test_an_order_whose_deposit_is_missing_is_not_booked(billing: Billing) -> None:
    """Acceptance of work that nobody has paid is somebody's mistake."""
    a_line(billing, before_work_bps=3_000)
    billing.contracted(**DEPOSIT)
    with pytest.raises(order.NotCovered):
        billing.handle(order.accepted, order_accepted(**DEPOSIT))
    assert billing.rows("SELECT count(*) FROM receivable") == [(0,)]


def test_an_invoice_may_be_quicker_than_the_acceptance(billing: Billing) -> None:
    """It waits; twice it does nothing."""
    a_line(billing)
    with pytest.raises(NotYet):
        billing.handle(receivable.invoiced, invoiced(), **REMINDING)
    billing.contracted(**ON_CREDIT)
    with pytest.raises(NotYet):
        billing.handle(receivable.invoiced, invoiced(), **REMINDING)
    billing.handle(order.accepted, order_accepted(**ON_CREDIT))
    for _ in range(2):
        billing.handle(receivable.invoiced, invoiced(), **REMINDING)
    assert billing.told.count("payment.opened.v1") == 1


def test_each_reminder_goes_out_once_and_the_last_ends_credit(billing: Billing) -> None:
    """On the days of the table, at the first moment of the day in Shanghai; the timers may run late."""
    a_line(billing)
    owed(billing)
    due = end_of_business_day(date(2027, 1, 4))
    for day, reminders in ((3, 1), (15, 2), (30, 3)):
        billing.run_timers(due + timedelta(days=day - 1) - timedelta(seconds=1))
        assert told(billing, "receivable.reminded.v1") == reminders - 1
        for _ in range(2):
            billing.run_timers(due + timedelta(days=day - 1))
        assert told(billing, "receivable.reminded.v1") == reminders
    assert told(billing, "credit_line.suspended.v1") == 1
    assert line_now(billing).state == "suspended"
    assert billing.run_timers(due + timedelta(days=400)) == 0
    billing.contracted(derived_id("order", "next"), "OR-2026-000124", **ON_CREDIT)
    assert billing.rows("SELECT reason FROM credit WHERE state = 'refused'") == [("suspended",)]


def test_reminders_that_were_missed_go_out_as_one(billing: Billing) -> None:
    """After a long silence of ours the customer is not told three times in a second."""
    a_line(billing)
    owed(billing)
    billing.run_timers(end_of_business_day(date(2027, 1, 4)) + timedelta(days=20))
    assert told(billing, "receivable.reminded.v1") == 1
    assert billing.rows("SELECT reminders FROM receivable") == [(2,)]


def test_money_stops_reminders(billing: Billing) -> None:
    """A part of it does not."""
    a_line(billing)
    owed(billing)
    pay(billing, "1059.99")
    due = end_of_business_day(date(2027, 1, 4))
    billing.run_timers(due + timedelta(days=3))
    assert told(billing, "receivable.reminded.v1") == 1
    pay(billing, "0.01", "s2")
    billing.run_timers(due + timedelta(days=40))
    assert told(billing, "receivable.reminded.v1") == 1
    assert told(billing, "credit_line.suspended.v1") == 0


def test_nothing_new_while_something_is_overdue(billing: Billing) -> None:
    """From the first day after; once it is paid the line gives again."""
    a_line(billing)
    owed(billing)
    late = end_of_business_day(date(2027, 1, 4))
    second, third = derived_id("order", 2), derived_id("order", 3)
    for order_id, number, at, expected in (
        (second, "OR-2026-000124", late - timedelta(seconds=1), "granted"),
        (third, "OR-2026-000125", late, "refused"),
    ):
        billing.now = at
        billing.contracted(order_id, number, **ON_CREDIT)
        assert billing.rows("SELECT state FROM credit WHERE order_id = %s", (str(order_id),)) == [(expected,)]
    assert billing.rows("SELECT reason FROM credit WHERE state = 'refused'") == [("overdue",)]
    pay(billing, "1060.00")
    billing.contracted(derived_id("order", 4), "OR-2026-000126", **ON_CREDIT)
    assert billing.told.count("credit.granted.v1") == 3


def test_too_much_is_the_customers(billing: Billing) -> None:
    """What comes from somebody unknown after it was paid waits for a person."""
    a_line(billing)
    owed(billing)
    pay(billing, "1070.00")
    pay(billing, "5.00", "s2")
    assert state(billing) == ("paid", 106_000, 0)
    assert billing.balance(f"L:customer_credit:{CUSTOMER_ID}") == 1_000
    assert billing.balance("L:suspense:bank") == 500
    shown = billing.run(
        credit_queries.get_statement_of_account, GetStatementOfAccount(customer_id=CUSTOMER_ID), REQUESTER
    )
    assert (shown.items, shown.positions[0].credit, shown.positions[0].open) == ((), cny(1_000), cny(0))


def test_a_line_that_was_not_for_it_is_owed_again(billing: Billing) -> None:
    """Undone, a part of an invoice is open as before; then all of it comes and closes it."""
    a_line(billing)
    owed(billing)
    pay(billing, "400.00")
    assert state(billing) == ("open", 40_000, 0)
    ((line,),) = billing.rows("SELECT bank_line_id FROM bank_line")
    billing.run(undo_bank_line, UndoBankLine(bank_line_id=UUID(str(line)), reason="错"))
    assert state(billing) == ("open", 0, 0)
    assert billing.balance(f"A:ar:customer:{CUSTOMER_ID}") == -106_000
    assert billing.violations() == ()
    pay(billing, "1060.00", "s2")
    assert state(billing) == ("paid", 106_000, 0)
    assert billing.balance(f"L:customer_credit:{CUSTOMER_ID}") == 0
    assert billing.violations() == ()


def test_paid_by_card_and_by_transfer_one_is_too_much(billing: Billing) -> None:
    """A customer that clicks twice opens one payment; whichever money comes first counts, the other is kept for it."""
    a_line(billing)
    owed(billing)
    command = PayReceivable(receivable_id=RECEIVABLE_ID)
    use_case = partial(receivable.pay_receivable, instructions=INSTRUCTIONS)
    opened = {billing.run(use_case, command, REQUESTER).payment_id for _ in range(2)}
    assert opened == {payment_id_of(ORDER_ID, 2)}
    pay(billing, "1000.00")
    facts = card_facts(intent_id="pi_2", charge_id="ch_2", balance=None)
    for _ in range(2):
        billing.within(lambda uow: payment.learn(payment_id_of(ORDER_ID, 2), facts, uow=uow, now=NOW))
    assert entries(billing, "stripe:ch_2") == [
        ("D", "A:psp:stripe", 106_000),
        ("C", f"A:ar:customer:{CUSTOMER_ID}", 6_000),
        ("C", f"L:customer_credit:{CUSTOMER_ID}", 100_000),
    ]
    assert state(billing) == ("paid", 106_000, 0)
    assert billing.rows("SELECT state FROM payment ORDER BY part") == [("cancelled",), ("succeeded",)]
    assert billing.violations() == ()
    with pytest.raises(NothingOpen):
        billing.run(use_case, command, REQUESTER)


def test_a_write_off_takes_two_who_saw_the_same(billing: Billing) -> None:
    """What comes all the same makes the loss smaller."""
    a_line(billing)
    owed(billing)
    give_up = ApproveWriteOff(receivable_id=RECEIVABLE_ID, amount=cny(106_000))
    with pytest.raises(NotProposed):
        billing.run(receivable.approve_write_off, give_up, OTHER_FINANCE)
    billing.run(receivable.propose_write_off, ProposeWriteOff(receivable_id=RECEIVABLE_ID, reason="insolvent"))
    with pytest.raises(SameHands):
        billing.run(receivable.approve_write_off, give_up)
    pay(billing, "60.00")
    with pytest.raises(OpenAmountChanged):
        billing.run(receivable.approve_write_off, give_up, OTHER_FINANCE)
    seen = ApproveWriteOff(receivable_id=RECEIVABLE_ID, amount=cny(100_000))
    view: ReceivableView = billing.run(receivable.approve_write_off, seen, OTHER_FINANCE)
    assert (view.state, view.written_off, view.open) == ("written_off", cny(100_000), cny(0))
    assert entries(billing, f"write_off:{RECEIVABLE_ID}") == [
        ("D", "E:bad_debt", 100_000),
        ("C", f"A:ar:customer:{CUSTOMER_ID}", 100_000),
    ]
    assert billing.run_timers(NOW + timedelta(days=400)) == 1
    assert told(billing, "receivable.reminded.v1") == 0
    pay(billing, "400.00", "s2")
    assert billing.balance("E:bad_debt") == -60_000
    assert state(billing) == ("written_off", 46_000, 60_000)
    assert billing.violations() == ()
