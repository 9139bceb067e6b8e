"""The ledger on real PostgreSQL: what it refuses, whoever asks, and what holds when many post at once."""

import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg2
import pytest
from prometheus_client import REGISTRY
from sqlalchemy.exc import DBAPIError

from services.billing.adapters import ledger_queries
from services.billing.domain.ledger import BANK, AccountOverdrawn, BookedOtherwise, Entry, Posting, contract
from services.billing.domain.payment import psp_fee, receipt
from services.billing.domain.payout import payout_paid
from services.billing.use_cases.ledger import post_transaction, post_transactions, watch_invariants
from services.shared.chassis.database import world_failed
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import new_id
from services.shared.messages.billing.ledger import ListBalances, ListLedgerTransactions
from tests.integration.billing.conftest import Billing
from tests.kit.fakes_billing import CUSTOMER_ID, NOW, ORDER_ID, REQUESTER, cny, receipt_card
from tests.kit.waiting import wait_until

BALANCES = "I3 balances are the sums of entries"


def post(billing: Billing, key: str, *entries: Entry) -> bool:
    return billing.within(
        lambda uow: post_transaction(uow, key=key, kind="test", entries=entries, effective_at=NOW, now=NOW,
                                     order=(ORDER_ID, "OR-2026-000123"))
    )  # fmt: skip


def test_posted_once_with_balances_and_event(billing: Billing) -> None:
    """Posting the same fact again changes nothing and says nothing."""
    for _ in range(3):
        post(billing, "a", *receipt_card(ORDER_ID, cny(100)))
    assert billing.balance(contract(ORDER_ID)) == 100
    assert billing.balance("A:psp:stripe") == -100
    assert billing.told == ["ledger.posted.v1"]
    assert billing.violations() == ()


def test_the_same_key_for_another_fact_is_refused(billing: Billing) -> None:
    """A key that stands there with other entries is a contradiction, and nothing is written."""
    post(billing, "a", *receipt_card(ORDER_ID, cny(100)))
    with pytest.raises(BookedOtherwise):
        post(billing, "a", *receipt_card(ORDER_ID, cny(101)))
    assert billing.balance(contract(ORDER_ID)) == 100


def test_other_peoples_money_is_spent_at_most_once(billing: Billing) -> None:
    """A contract's, or a payout's, account never goes below zero."""
    post(billing, "a", *receipt_card(ORDER_ID, cny(100)))
    with pytest.raises(AccountOverdrawn):
        post(billing, "b", Entry(contract(ORDER_ID), "D", 101, "CNY"), Entry("R:service", "C", 101, "CNY"))
    with pytest.raises(AccountOverdrawn):
        post(billing, "c", Entry(contract(ORDER_ID), "D", 1, "USD"), Entry("R:service", "C", 1, "USD"))
    with pytest.raises(AccountOverdrawn):
        post(billing, "d", *payout_paid(new_id(), cny(1), BANK))
    post(billing, "e", Entry(contract(ORDER_ID), "D", 100, "CNY"), Entry("R:service", "C", 100, "CNY"))
    assert billing.balance(contract(ORDER_ID)) == 0
    assert billing.violations() == ()


WITHOUT_ENTRIES = (
    "INSERT INTO ledger_tx (transaction_id, idem_key, request_hash, kind, order_number, cause, effective_at, posted_at)"
    " VALUES (gen_random_uuid(), 'x', '', '', '', '', 'epoch', 'epoch')"
)

ANOTHER_ENTRY = (
    "INSERT INTO ledger_entry (transaction_id, line, account, side, amount, currency, seq, effective_at, posted_at)"
    " SELECT {transaction_id}, {line}, account, side, {amount}, currency, seq, {at}, posted_at FROM ledger_entry"
)


def _direct(billing: Billing, statement: str, *, owner: bool = False) -> None:
    with psycopg2.connect(billing.database.owner_url if owner else billing.database.url) as connection:
        connection.cursor().execute(statement)
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        ANOTHER_ENTRY.format(transaction_id="transaction_id", line="9", amount="amount", at="effective_at")
        + " LIMIT 1",
        ANOTHER_ENTRY.format(transaction_id="transaction_id", line="9", amount="-1", at="effective_at") + " LIMIT 1",
        ANOTHER_ENTRY.format(transaction_id="gen_random_uuid()", line="line + 9", amount="amount", at="effective_at"),
        ANOTHER_ENTRY.format(transaction_id="transaction_id", line="line + 9", amount="amount", at="'epoch'"),
        WITHOUT_ENTRIES,
        "UPDATE ledger_entry SET amount = amount + 1",
        "DELETE FROM ledger_entry",
        "TRUNCATE ledger_entry",
        "UPDATE ledger_tx SET kind = 'other'",
        "DELETE FROM ledger_tx",
    ],
)
@pytest.mark.parametrize("owner", [False, True])
def test_the_database_itself_refuses(billing: Billing, statement: str, owner: bool) -> None:  # noqa: FBT001
    """Unbalanced, negative or changed entries are refused by the tables, to the service and to their owner."""
    post(billing, "a", *receipt_card(ORDER_ID, cny(100)))
    with pytest.raises(psycopg2.Error) as refused:
        _direct(billing, statement, owner=owner)
    assert refused.value.pgcode in {"23514", "42501"}
    assert billing.violations() == ()


def test_tampering_is_found(billing: Billing) -> None:
    """A balance changed behind the ledger's back, and an announcement lost, are violations."""
    post(billing, "a", *receipt_card(ORDER_ID, cny(100)))
    _direct(billing, "UPDATE account_balance SET posted_c = posted_c + 1 WHERE account LIKE 'L:%'", owner=True)
    _direct(billing, "DELETE FROM outbox", owner=True)
    found = " ".join(billing.violations())
    assert "I3" in found
    assert "I10" in found


def test_the_books_are_watched_and_what_is_wrong_raises_an_alarm(
    billing: Billing, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every quarter of an hour by itself: a number above zero for Prometheus, a line for people; gone when mended."""

    def watch() -> tuple[float, str]:
        billing.within(lambda uow: watch_invariants("ledger", uow=uow, now=NOW))
        labels = {"service": "billing", "invariant": BALANCES, "reach": "recent"}
        told = REGISTRY.get_sample_value("yiqi_invariant_violations", labels)
        return told or 0.0, capsys.readouterr().out

    post(billing, "a", *receipt_card(ORDER_ID, cny(100)))
    _direct(billing, "UPDATE account_balance SET posted_c = posted_c + 1 WHERE account LIKE 'L:%'", owner=True)
    number, line = watch()
    assert number == 1
    assert "an invariant does not hold" in line
    assert f"L:contract:{ORDER_ID}" in line
    _direct(billing, "UPDATE account_balance SET posted_c = posted_c - 1 WHERE account LIKE 'L:%'", owner=True)
    assert watch() == (0, "")
    assert billing.rows("SELECT due_at FROM timer WHERE kind = 'watch_invariants'") == [(NOW + timedelta(minutes=15),)]


def _at_once(count: int, deed: Callable[[int], object]) -> list[BaseException]:
    """Run *deed* in *count* threads, again where the world failed it. Returns what they raised otherwise."""
    raised: list[BaseException] = []
    gate = threading.Barrier(count)

    def one(number: int) -> None:
        gate.wait()
        while True:
            try:
                deed(number)
            except DBAPIError as error:
                if not world_failed(error):
                    raised.append(error)
                    return
            except Exception as error:  # noqa: BLE001 - what a thread raises is shown to the test
                raised.append(error)
                return
            else:
                return

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_twenty_at_once_post_one_fact_once(billing: Billing) -> None:
    """Twenty transactions that book the same fact at the same time book it once."""
    assert _at_once(20, lambda _: post(billing, "same", *receipt_card(ORDER_ID, cny(100)))) == []
    assert billing.balance(contract(ORDER_ID)) == 100
    assert billing.told == ["ledger.posted.v1"]


def test_twenty_at_once_spend_the_last_money_once(billing: Billing) -> None:
    """Of twenty that each want all of it one gets it; the others are refused."""
    post(billing, "in", *receipt_card(ORDER_ID, cny(100)))

    def spend(number: int) -> None:
        post(billing, f"out{number}", Entry(contract(ORDER_ID), "D", 100, "CNY"), Entry("R:service", "C", 100, "CNY"))

    refused = _at_once(20, spend)
    assert len(refused) == 19
    assert {type(error) for error in refused} == {AccountOverdrawn}
    assert billing.violations() == ()


def receipts(count: int, first: int = 0, amount: int = 10) -> list[Posting]:
    return [
        Posting(f"r{number}", "receipt_card", receipt_card(ORDER_ID, cny(amount)), NOW, (ORDER_ID, "OR-2026-000123"))
        for number in range(first, first + count)
    ]


def test_many_are_posted_in_one_statement(billing: Billing) -> None:
    """Those that stand there already are left out; each new one is told; the rest is as if posted one by one."""
    assert billing.within(lambda uow: post_transactions(uow, receipts(3), now=NOW)) == 3
    assert billing.within(lambda uow: post_transactions(uow, receipts(5, first=1), now=NOW)) == 3
    assert billing.within(lambda uow: post_transactions(uow, [*receipts(1, 9), *receipts(1, 9)], now=NOW)) == 1
    assert billing.within(lambda uow: post_transactions(uow, [Posting("none", "x", (), NOW)], now=NOW)) == 0
    assert billing.balance(contract(ORDER_ID)) == 70
    assert billing.told == ["ledger.posted.v1"] * 7
    assert billing.rows("SELECT count(*), count(DISTINCT seq), min(order_number) FROM ledger_tx") == [
        (7, 7, "OR-2026-000123")
    ]
    assert billing.violations() == ()


def test_of_many_that_contradict_or_overdraw_none_is_posted(billing: Billing) -> None:
    """Least balances hold for all together: what one takes another may have brought, whichever comes first."""
    billing.within(lambda uow: post_transactions(uow, receipts(1), now=NOW))
    with pytest.raises(BookedOtherwise):
        billing.within(lambda uow: post_transactions(uow, [*receipts(1, 7), *receipts(1, amount=11)], now=NOW))
    with pytest.raises(BookedOtherwise):
        billing.within(lambda uow: post_transactions(uow, [*receipts(1, 7), *receipts(1, 7, amount=11)], now=NOW))
    spend = Posting("spend", "x", (Entry(contract(ORDER_ID), "D", 21, "CNY"), Entry("R:service", "C", 21, "CNY")), NOW)
    with pytest.raises(AccountOverdrawn):
        billing.within(lambda uow: post_transactions(uow, [*receipts(1, 7), spend], now=NOW))
    assert billing.balance(contract(ORDER_ID)) == 10
    assert billing.within(lambda uow: post_transactions(uow, [spend, *receipts(2, 7)], now=NOW)) == 3
    assert billing.balance(contract(ORDER_ID)) == 9
    assert billing.violations() == ()


def test_twelve_post_the_same_many_at_once(billing: Billing) -> None:
    """In other orders: each fact is booked once."""

    def deed(number: int) -> None:
        postings = receipts(30)
        random.Random(number).shuffle(postings)
        billing.within(lambda uow: post_transactions(uow, postings, now=NOW))

    assert _at_once(12, deed) == []
    assert billing.balance(contract(ORDER_ID)) == 300
    assert billing.told == ["ledger.posted.v1"] * 30
    assert billing.violations() == ()


READ_WHOLE = (
    "SELECT sum(seq_tup_read)::bigint FROM pg_stat_user_tables"
    " WHERE relname IN ('ledger_tx', 'ledger_entry', 'account', 'account_balance')"
)


def test_posting_reads_no_whole_table_of_a_ledger_that_was_never_analysed(billing: Billing) -> None:
    """Sessions that began when the ledger was empty post by index when it is not: one by one, and many at once."""

    def post_some(name: str) -> None:
        orders = [Posting(f"{name}/{number}", "test", receipt_card(new_id(), cny(1)), NOW) for number in range(100)]
        billing.within(lambda uow: post_transactions(uow, orders, now=NOW))
        post(billing, name, *receipt_card(new_id(), cny(1)))

    def read_whole() -> object:
        billing.within(lambda uow: uow.connection.exec_driver_sql("SELECT pg_stat_force_next_flush()"))
        return billing.rows(READ_WHOLE)

    billing.engine.dispose()
    post_some("first")
    before = read_whole()
    for number in range(20):
        post_some(f"later {number}")
    assert read_whole() == before


def test_two_book_the_same_in_other_orders_and_neither_begins_again(billing: Billing) -> None:
    """Both have begun when a third, which holds what is in the middle of both, lets go."""
    postings = receipts(3)

    def book(order: Sequence[Posting]) -> int:
        return billing.within(lambda uow: post_transactions(uow, order, now=NOW))

    with ThreadPoolExecutor(2) as threads:
        with billing.transaction() as third:
            post_transactions(third, postings[1:2], now=NOW)
            booked = [threads.submit(book, postings), threads.submit(book, postings[::-1])]
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
            wait_until(lambda: billing.rows(waiting) == [(2,)])
        assert sorted(each.result() for each in booked) == [0, 2]
    assert billing.balance(contract(ORDER_ID)) == 30
    assert billing.violations() == ()


def test_many_transactions_of_several_postings_at_once(billing: Billing) -> None:
    """Transactions that post several facts over the same accounts in any order all end, and every sum holds."""

    def several(number: int) -> None:
        chosen = random.Random(number)
        facts = [
            receipt_card(ORDER_ID, cny(10)),
            psp_fee(cny(3), cny(0)),
            receipt(BANK, contract(ORDER_ID), CUSTOMER_ID, cny(5), cny(2)),
            (Entry("E:psp_fee", "D", 4, "USD"), Entry("A:psp:stripe", "C", 4, "USD")),
        ]
        chosen.shuffle(facts)

        def deed(uow: object) -> None:
            for place, entries in enumerate(facts):
                post_transaction(uow, key=f"{number}/{place}", kind="test", entries=entries, effective_at=NOW, now=NOW)  # type: ignore[arg-type] # a unit of work

        billing.within(deed)

    assert _at_once(12, several) == []
    assert billing.balance(contract(ORDER_ID)) == 12 * 15
    assert billing.rows("SELECT count(*) FROM ledger_tx") == [(48,)]
    assert billing.violations() == ()


def test_trial_balance_and_transactions_are_listed(billing: Billing) -> None:
    """Accounts by prefix, transactions newest first with their entries, page after page; finance only."""
    for number in range(5):
        post(billing, f"k{number}", *receipt_card(ORDER_ID, cny(100 + number)))
    (psp,) = billing.run(ledger_queries.list_balances, ListBalances(prefix="A:psp")).items
    assert (psp.debit, psp.credit) == (510, 0)
    first = billing.run(ledger_queries.list_ledger_transactions, ListLedgerTransactions(order_id=ORDER_ID, limit=3))
    rest = billing.run(
        ledger_queries.list_ledger_transactions, ListLedgerTransactions(limit=3, after=first.next_cursor)
    )
    assert sorted(each.key for each in [*first.items, *rest.items]) == [f"k{number}" for number in range(5)]
    assert rest.next_cursor is None
    assert [(entry.account, entry.side) for entry in first.items[0].entries] == [
        ("A:psp:stripe", "D"), (contract(ORDER_ID), "C"),
    ]  # fmt: skip
    of_account = ListLedgerTransactions(account=contract(ORDER_ID), limit=500)
    assert len(billing.run(ledger_queries.list_ledger_transactions, of_account).items) == 5
    with pytest.raises(NotFound):
        billing.run(ledger_queries.list_balances, ListBalances(), REQUESTER)
