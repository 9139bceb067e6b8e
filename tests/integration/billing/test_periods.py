"""Closing a month on real PostgreSQL: what counts in it is fixed, however many post at that moment."""

import random
import threading
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import psycopg2
import pytest
from sqlalchemy.exc import DBAPIError

from services.billing.adapters import ledger_chain
from services.billing.adapters.account_queries import get_account_statement, get_trial_balance, list_periods
from services.billing.adapters.ledger_verification import run
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.config import settings
from services.billing.domain.adjustment import Adjustment
from services.billing.domain.ledger import Entry
from services.billing.domain.period import BooksDoNotHold, PeriodClosedAlready, PeriodHasOpenItems
from services.billing.use_cases.adjustment import propose_adjustment, refuse_adjustment
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.period import close_period
from services.shared.chassis.database import world_failed
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.account import GetAccountStatement, GetTrialBalance
from services.shared.messages.billing.adjustment import ProposeAdjustment, RefuseAdjustment
from services.shared.messages.billing.period import ClosePeriod, ListPeriods, PeriodView
from tests.integration.billing.conftest import Billing
from tests.integration.billing.test_bank_lines import resolve
from tests.integration.billing.test_settlements import bank_says
from tests.kit.fakes_billing import LATER, REQUESTER

UNTIL = datetime(2026, 11, 30, 16, tzinfo=UTC)
IN_NOVEMBER, IN_DECEMBER = UNTIL - timedelta(days=9), UNTIL + timedelta(days=2)
OPENING = GetAccountStatement(account="E:psp_fee", currency="CNY", since=UNTIL, known_at=UNTIL + timedelta(days=99))


def book(billing: Billing, key: str, amount: int, at: datetime = IN_NOVEMBER) -> None:
    """With VAT that two people declared: no invoice says it (I15)."""
    entries = (Entry("E:psp_fee", "D", amount, "CNY"), Entry("L:vat:output", "C", amount, "CNY"))

    def declared(uow: BillingUnitOfWork) -> None:
        post_transaction(uow, key=key, kind="test", entries=entries, effective_at=at, now=IN_DECEMBER)
        uow.adjustments.add(
            Adjustment(
                derived_id("adjustment", key), "", "reclassification", "approved", key, None, "", None, entries,
                effective_at=at, proposed_at=at, proposed_by="member/1", decided_at=at, decided_by="member/2",
                transaction_id=derived_id("ledger_tx", key),
            )
        )  # fmt: skip

    billing.within(declared)


def close(billing: Billing, name: str = "2026-11", now: datetime = IN_DECEMBER) -> PeriodView:
    return billing.run(close_period, ClosePeriod(period=name), now=now)


def test_a_closed_month_stays_as_it_was(billing: Billing) -> None:
    """Late facts count in December; November's trial balance and hash are computed anew to the same."""
    book(billing, "a", 100)
    closed = close(billing)
    book(billing, "late", 7)
    assert billing.rows("SELECT effective_at, business_at FROM ledger_tx WHERE idem_key = 'late'") == [
        (UNTIL, IN_NOVEMBER)
    ]
    for known_at in (IN_DECEMBER, IN_DECEMBER + timedelta(days=30)):
        page = billing.run(get_trial_balance, GetTrialBalance(until=UNTIL, known_at=known_at), now=known_at)
        lines = [f"{each.account}/{each.currency}/{each.debit - each.credit}" for each in page.items]
        assert lines == ["E:psp_fee/CNY/100", "L:vat:payable/CNY/-100"]
        assert sha256("\n".join(lines).encode()).hexdigest() == closed.trial_balance_sha256
    now_ = billing.run(get_trial_balance, GetTrialBalance(), now=IN_DECEMBER)
    assert [(each.account, each.debit - each.credit) for each in now_.items] == [
        ("E:psp_fee", 107), ("L:vat:output", -7), ("L:vat:payable", -100),
    ]  # fmt: skip
    assert billing.run(get_account_statement, OPENING, now=IN_DECEMBER).opening == 100
    before = GetTrialBalance(until=UNTIL, known_at=IN_DECEMBER - timedelta(days=1))
    assert billing.run(get_trial_balance, before, now=IN_DECEMBER).items == ()
    assert billing.violations() == ()
    assert run(settings()) == 0


def test_two_months_follow_each_other(billing: Billing) -> None:
    """Sums of the second begin at the end of the first."""
    book(billing, "a", 100)
    close(billing)
    book(billing, "b", 11, UNTIL + timedelta(days=1))
    second = close(billing, "2026-12", UNTIL + timedelta(days=40))
    page = billing.run(get_trial_balance, GetTrialBalance(), now=UNTIL + timedelta(days=50))
    assert [(each.account, each.debit - each.credit) for each in page.items] == [
        ("E:psp_fee", 111), ("L:vat:payable", -111),
    ]  # fmt: skip
    listed = billing.run(list_periods, ListPeriods()).items
    assert [each.period for each in listed] == ["2026-12", "2026-11"]
    assert listed[0] == second
    with pytest.raises(NotFound):
        billing.run(list_periods, ListPeriods(), REQUESTER)


@pytest.mark.parametrize("seed", range(3))
def test_postings_racing_with_the_close(billing: Billing, seed: int) -> None:
    """Each lands wholly before, in balance and hash, or after, in the next month with its own date; none is lost."""
    for account in range(4):
        book(billing, f"first {account}", 1)
    chosen = random.Random(seed)
    gate = threading.Barrier(9)
    failed: list[BaseException] = []

    def post(worker: int) -> None:
        gate.wait()
        for number in range(12):
            while True:
                try:
                    book(billing, f"{worker}/{number}", 10)
                except DBAPIError as error:
                    if world_failed(error):
                        continue
                    failed.append(error)
                break

    threads = [threading.Thread(target=post, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    gate.wait()
    threading.Event().wait(chosen.random() * 0.15)
    closed = close(billing)
    for thread in threads:
        thread.join()
    assert failed == []
    ((before, counted),) = billing.rows(
        "SELECT count(*), sum(amount) FROM ledger_entry JOIN ledger_tx t USING (seq)"
        " WHERE account = 'E:psp_fee' AND t.effective_at < %s", (UNTIL,),
    )  # fmt: skip
    ((after, moved),) = billing.rows(
        "SELECT count(*), count(business_at) FROM ledger_tx WHERE effective_at = %s", (UNTIL,)
    )
    assert before + after == 4 + 8 * 12
    assert after == moved
    assert billing.rows("SELECT stands FROM ledger_period_balance WHERE account = 'E:psp_fee'") == [(counted,)]
    assert billing.run(get_account_statement, OPENING, now=IN_DECEMBER).opening == counted
    ((sealed_before,),) = billing.rows(
        "SELECT count(*) FROM ledger_tx WHERE effective_at < %s AND seq > (SELECT max(last_seq) FROM ledger_block"
        " WHERE number <= %s)", (UNTIL, closed.block),
    )  # fmt: skip
    assert sealed_before == 0
    assert billing.violations() == ()
    assert run(settings()) == 0


def test_twenty_close_the_same_month(billing: Billing) -> None:
    """One does; the others are told so."""
    book(billing, "a", 100)
    gate = threading.Barrier(20)
    outcomes: list[object] = []

    def one() -> None:
        gate.wait()
        try:
            outcomes.append(close(billing))
        except (PeriodClosedAlready, DBAPIError) as error:
            outcomes.append(error)

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([each for each in outcomes if isinstance(each, PeriodView)]) == 1
    assert billing.told.count("period.closed.v1") == 1
    assert billing.rows("SELECT count(*) FROM ledger_tx WHERE kind = 'vat_month_end'") == [(1,)]


def test_open_items_hold_it_up(billing: Billing) -> None:
    """A bank line in suspense, an adjustment not decided, a webhook not handled, a parked event: each is named."""
    bank_says(billing, ("b7", "in", "7.00", "?"))
    entry = {"side": "D", "account": "E:bad_debt", "amount": 5, "currency": "CNY"}
    owing = "A:ar:voucher_programme:x"
    wanted = {"kind": "write_off", "reason": "x", "effective_at": IN_NOVEMBER,
              "entries": (entry, {**entry, "side": "C", "account": owing})}  # fmt: skip
    lent = (Entry(owing, "D", 5, "CNY"), Entry("A:bank:main", "C", 5, "CNY"))
    billing.within(
        lambda uow: post_transaction(uow, key="lent", kind="test", entries=lent, effective_at=IN_NOVEMBER, now=LATER)
    )
    proposed = billing.run(propose_adjustment, ProposeAdjustment.model_validate(wanted), now=LATER)
    billing.database.change(
        "INSERT INTO stripe_event (event_id, kind, body, object_kind, object_id, received_at)"
        " VALUES ('evt_1', 'x', '', 'payment_intent', 'pi_1', '2026-11-23');"
        "DELETE FROM inbox; INSERT INTO inbox (source, seq, type, stream, body, received_at, status, attempts)"
        " VALUES ('orders', 7, 'order.accepted.v1', 'order/x', '', '2026-11-23', 'parked', 1)"
    )
    with pytest.raises(PeriodHasOpenItems) as refused:
        close(billing)
    assert refused.value.facts["items"] == [
        "bank_line b7", f"adjustment {proposed.number}", "stripe_event evt_1", "event orders/7",
    ]  # fmt: skip
    billing.database.change("DELETE FROM inbox; DELETE FROM stripe_event")
    ((waiting,),) = billing.rows("SELECT bank_line_id FROM bank_line")
    resolve(billing, UUID(str(waiting)), ("interest", None, 700))
    billing.run(refuse_adjustment, RefuseAdjustment(adjustment_id=proposed.adjustment_id))
    close(billing)


def test_all_of_the_month_is_sealed_however_much_waits(billing: Billing, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sealer takes a bounded number at once; the close goes on until nothing is left."""
    monkeypatch.setattr(ledger_chain, "SEALED_AT_ONCE_MAX", 2)
    for number in range(5):
        book(billing, f"k{number}", 100)
    close(billing)
    ((sealed,),) = billing.rows("SELECT sum(cardinality(seqs)) FROM ledger_block")
    assert billing.rows("SELECT count(*) FROM ledger_tx") == [(sealed,)]


def test_books_that_do_not_hold_are_not_closed(billing: Billing) -> None:
    """A balance that somebody changed."""
    book(billing, "a", 100)
    billing.database.change("UPDATE account_balance SET posted_d = posted_d + 1 WHERE account = 'E:psp_fee'")
    with pytest.raises(BooksDoNotHold):
        close(billing)
    assert billing.rows("SELECT * FROM ledger_period") == []


@pytest.mark.parametrize("table", ["ledger_period", "ledger_period_balance", "ledger_block"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "TRUNCATE {} CASCADE", "UPDATE {} SET {}"])
def test_what_was_closed_is_not_changed(billing: Billing, table: str, change: str) -> None:
    """By nobody, not even the tables' owner."""
    book(billing, "a", 100)
    close(billing)
    column = {
        "ledger_period": "closed_by = 'me'",
        "ledger_period_balance": "stands = 9",
        "ledger_block": "last_seq = 9",
    }
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        billing.database.change(change.format(table, column[table]))


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE ledger_closed SET until = 'epoch'",
        f"UPDATE ledger_closed SET until = '{UNTIL + timedelta(days=1)}'",
        "DELETE FROM ledger_closed",
        "TRUNCATE ledger_closed",
        "INSERT INTO ledger_closed VALUES (true, 'epoch')",
    ],
)
def test_a_closed_month_is_not_opened_again_by_the_tables_owner(billing: Billing, tampering: str) -> None:
    book(billing, "a", 100)
    close(billing)
    with pytest.raises(psycopg2.Error) as refused:
        billing.database.change(tampering)
    assert refused.value.pgcode == "23514"
    assert billing.rows("SELECT until FROM ledger_closed") == [(UNTIL,)]


def test_what_was_kept_of_a_closed_month_is_recomputed(billing: Billing) -> None:
    """Of the first month, and of one that begins where another ended; changed by one, it is a violation."""
    book(billing, "a", 100)
    close(billing)
    assert billing.violations() == ()
    book(billing, "b", 11, UNTIL + timedelta(days=1))
    close(billing, "2026-12", UNTIL + timedelta(days=40))
    assert billing.violations() == ()
    billing.database.change(
        "ALTER TABLE ledger_period_balance DISABLE TRIGGER USER;"
        "UPDATE ledger_period_balance SET stands = stands + 1"
        " WHERE until = (SELECT max(until) FROM ledger_period) AND account = 'E:psp_fee';"
        "ALTER TABLE ledger_period_balance ENABLE TRIGGER USER"
    )
    assert billing.violations() == (
        "I18 the last closed month stands as it was closed: E:psp_fee in CNY",
    )  # fmt: skip
