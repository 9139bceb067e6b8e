"""What the check of every quarter of an hour finds, what only the daily one and the hash chain find, and its alarm."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from services.billing.adapters.invariant_reach import RECENT_FOR
from services.billing.adapters.ledger_verification import run as verify_ledger
from services.billing.config import settings
from services.billing.domain.ledger import Entry
from services.billing.subscriptions import work
from services.billing.use_cases import invoice
from services.billing.use_cases.ledger import (
    WATCH_ALL_TIMER,
    WATCH_TIMER,
    post_transaction,
    seal_ledger,
    watch_all_invariants,
    watch_invariants,
)
from services.shared.chassis import database, event_log
from services.shared.chassis.clock import SystemClock
from services.shared.kernel.ids import derived_id
from services.shared.messages.invoicing.invoice import InvoiceIssued
from tests.integration.billing.conftest import LEDGER_TABLES, Billing
from tests.kit.fakes_billing import CUSTOMER_ID, NOW, ORDER_ID, cny
from tests.kit.platform import fresh_database

OLD, NEW = ORDER_ID, UUID("0198f6c2-0000-7000-8000-0000000000aa")
EARLIER, LATER = NOW - timedelta(hours=3), NOW + RECENT_FOR


def tampered(billing: Billing, *statements: str) -> None:
    """What the owner of the tables can do with all triggers off."""
    guarded = (*LEDGER_TABLES, "event_log")
    off = "".join(f"ALTER TABLE {table} DISABLE TRIGGER USER;" for table in guarded)
    on = "".join(f"ALTER TABLE {table} ENABLE TRIGGER USER;" for table in guarded)
    billing.database.change(off)
    billing.database.change(";".join(statements))
    billing.database.change(on)


def invoiced(billing: Billing, order_id: UUID, number: str, now: datetime) -> None:
    billing.accepted(order_id, number, at=now)
    told = InvoiceIssued(
        invoice_id=derived_id("invoice", order_id), number=f"INV-{number}", order_id=order_id, order_number=number,
        customer_id=CUSTOMER_ID, net=cny(100_000), tax=cny(6_000), gross=cny(106_000), tax_rate_bps=600,
        issued_at=now, pdf_sha256="0" * 64, xml_sha256="0" * 64,
    )  # fmt: skip
    billing.handle(invoice.keep_copy, told)


def sealed(billing: Billing, now: datetime) -> None:
    billing.within(lambda uow: seal_ledger("ledger", uow=uow, now=now))


def logged(billing: Billing, wall: datetime) -> None:
    """What stands in the outbox is in the log, as the relay puts it there."""
    with database.transaction(billing.engine, SystemClock()) as (held, _):
        cursor = database.driver(held).cursor()
        cursor.execute("SELECT coalesce(max(seq), 0) FROM event_log")
        (last,) = cursor.fetchone()
        cursor.execute(
            "WITH moved AS (DELETE FROM outbox RETURNING *)"
            " SELECT event_id::text, type, stream, data, headers FROM moved ORDER BY id"
        )
        event_log.append(cursor, "billing", cursor.fetchall(), last, b"", wall)


def made(billing: Billing, clock_ahead: timedelta = timedelta(0)) -> None:
    """One order accepted, invoiced, told and sealed more than a day ago; another since."""
    billing.database.change("UPDATE clock SET offset_s = %s", (clock_ahead.total_seconds(),))
    for order_id, number, now in ((OLD, "OR-2026-000123", EARLIER), (NEW, "OR-2026-000777", LATER)):
        billing.now = now
        invoiced(billing, order_id, number, now)
        for _ in range(3):
            sealed(billing, now + timedelta(minutes=3))
        logged(billing, now - clock_ahead)
    assert billing.rows("SELECT count(*) FROM ledger_block") == [(2,)]
    assert recent(billing) == set()


@pytest.fixture
def empty_log(billing: Billing) -> Iterator[Billing]:
    tampered(billing, "DELETE FROM event_log")
    yield billing
    billing.database.change("UPDATE clock SET offset_s = 0")
    tampered(billing, "DELETE FROM event_log")


@pytest.fixture
def two_days(empty_log: Billing) -> Billing:
    made(empty_log)
    return empty_log


def names(found: Mapping[str, Sequence[str]]) -> set[str]:
    return {name.split()[0] for name, sentences in found.items() if sentences}


def recent(billing: Billing) -> set[str]:
    return names(billing.within(lambda uow: uow.ledger.check_recent(LATER)))


def all_of_it(billing: Billing) -> set[str]:
    return names(billing.within(lambda uow: uow.ledger.check_at_leisure()))


ITS_ENTRIES = "seq = (SELECT seq FROM ledger_tx WHERE idem_key = 'accept:{order}')"
ITS_TELLING = "type = 'ledger.posted.v1' AND convert_from(body, 'UTF8') LIKE '%accept:{order}%'"
TAMPERINGS = {
    "an amount": f"UPDATE ledger_entry SET amount = amount + 1 WHERE account = 'R:service' AND {ITS_ENTRIES}",
    "both sides of an amount": f"""UPDATE ledger_entry SET amount = amount + 1
        WHERE (account = 'E:provider_service' OR account LIKE 'L:provider:%') AND {ITS_ENTRIES}""",
    "an account": f"UPDATE ledger_entry SET account = 'R:commission' WHERE account = 'R:service' AND {ITS_ENTRIES}",
    "a transaction is gone": f"""DELETE FROM ledger_entry WHERE {ITS_ENTRIES};
        DELETE FROM ledger_tx WHERE idem_key = 'accept:{{order}}'""",
    "a frozen split": """UPDATE contracted_order SET split = jsonb_set(split, '{{provider_net}}', '1')
        WHERE order_id = '{order}'""",
    "an invoice": "UPDATE invoice_copy SET net = net + 1 WHERE order_id = '{order}'",
    "an announcement is gone": f"DELETE FROM event_log WHERE {ITS_TELLING}",
    "an announcement of nothing": f"""UPDATE event_log SET body = convert_to(replace(
        convert_from(body, 'UTF8'), '"transaction_id":', '"transaction_id": "{UUID(int=0)}", "was":'), 'UTF8')
        WHERE {ITS_TELLING}""",
    "a balance": "UPDATE account_balance SET posted_c = posted_c + 1 WHERE account = 'L:contract:{order}'",
}
FOUND = {
    "an amount": {"I1", "I2", "I3", "I5", "I12"},
    "both sides of an amount": {"I3", "I5"},
    "an account": {"I3", "I5"},
    "a transaction is gone": {"I3", "I5", "I10", "I12"},
    "a frozen split": {"I5"},
    "an invoice": {"I12", "I16"},
    "an announcement is gone": {"I10"},
    "an announcement of nothing": {"I10"},
    "a balance": {"I3", "I4"},
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_what_is_recent_is_checked_as_all_of_it(two_days: Billing, what: str) -> None:
    """Whatever is done to the new order, the quick check finds where the whole finds it (I15 is of whole months)."""
    tampered(two_days, TAMPERINGS[what].format(order=NEW))
    assert FOUND[what] <= recent(two_days)
    assert recent(two_days) == all_of_it(two_days) - {"I15"}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_what_is_older_is_for_the_daily_check_and_the_chain(
    two_days: Billing, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    """Of the old order the quick check sees what stands on accounts, and not more; the daily one sees all of it."""
    tampered(two_days, TAMPERINGS[what].format(order=OLD))
    assert recent(two_days) == FOUND[what] & {"I3"}
    assert FOUND[what] <= all_of_it(two_days)
    altered = what in {"an amount", "both sides of an amount", "an account", "a transaction is gone"}
    assert verify_ledger(settings()) == int(altered)
    assert ("block 1: transaction" in capsys.readouterr().out) == altered


def test_what_is_changed_with_its_balance_only_the_chain_finds(
    two_days: Billing, capsys: pytest.CaptureFixture[str]
) -> None:
    """An entry of a fact that nothing else tells of, on both sides, and the balances with it."""
    entries = (Entry("E:psp_fee", "D", 5, "CNY"), Entry("A:psp:stripe", "C", 5, "CNY"))
    two_days.within(
        lambda uow: post_transaction(uow, key="fee", kind="test", entries=entries, effective_at=LATER, now=LATER)
    )
    for _ in range(3):
        sealed(two_days, LATER)
    tampered(
        two_days,
        "UPDATE ledger_entry SET amount = 6 WHERE seq = (SELECT seq FROM ledger_tx WHERE idem_key = 'fee')",
        "UPDATE account_balance SET posted_d = posted_d + 1 WHERE account = 'E:psp_fee'",
        "UPDATE account_balance SET posted_c = posted_c + 1 WHERE account = 'A:psp:stripe' AND posted_c > 0",
    )
    assert recent(two_days) == all_of_it(two_days) == set()
    assert verify_ledger(settings()) == 1
    assert "block 3: transaction" in capsys.readouterr().out


def test_what_is_missing_is_found_by_what_should_have_led_to_it(two_days: Billing) -> None:
    """No transaction says which orders to look at: the acceptance itself, and the invoice, do."""
    tampered(
        two_days,
        f"DELETE FROM ledger_entry WHERE seq IN (SELECT seq FROM ledger_tx WHERE order_id = '{NEW}')",
        f"DELETE FROM ledger_tx WHERE order_id = '{NEW}'",
    )
    assert {"I5", "I12", "I10"} <= recent(two_days)


@pytest.mark.parametrize("what", ["an announcement is gone", "an announcement of nothing"])
def test_where_the_clock_is_set_ahead_the_log_is_read_by_its_own(empty_log: Billing, what: str) -> None:
    """Transactions have business times and the log has the wall's, 40 days behind it here."""
    made(empty_log, timedelta(days=40))
    assert all_of_it(empty_log) == set()
    tampered(empty_log, TAMPERINGS[what].format(order=NEW))
    assert recent(empty_log) == {"I10"}


def test_before_a_day_has_passed_all_is_recent(billing: Billing) -> None:
    """Nothing is sealed yet, or not long enough: the quick check reads everything it can."""
    billing.accepted()
    tampered(billing, "UPDATE ledger_entry SET amount = amount + 1 WHERE account = 'R:service'")
    assert {"I1", "I2", "I3", "I5"} <= recent(billing)
    for _ in range(3):
        sealed(billing, NOW)
    before = NOW + RECENT_FOR - timedelta(seconds=1)
    assert {"I1", "I2", "I3", "I5"} <= names(billing.within(lambda uow: uow.ledger.check_recent(before)))


def violations(reach: str) -> float | None:
    labels = {"service": "billing", "invariant": "I2 each transaction balances", "reach": reach}
    return REGISTRY.get_sample_value("yiqi_invariant_violations", labels)


def test_the_alarm_of_the_daily_check_stays_until_it_finds_nothing(
    two_days: Billing, capsys: pytest.CaptureFixture[str]
) -> None:
    """The quick check does not take it back; while something is wrong the whole is checked every quarter of an hour."""

    def watch() -> tuple[float | None, float | None, timedelta]:
        two_days.within(lambda uow: watch_all_invariants("ledger", uow=uow, now=LATER))
        two_days.within(lambda uow: watch_invariants("ledger", uow=uow, now=LATER))
        ((again,),) = two_days.rows("SELECT due_at FROM timer WHERE kind = %s", (WATCH_ALL_TIMER,))
        return violations("all"), violations("recent"), again - LATER

    assert watch() == (0, 0, timedelta(days=1))
    tampered(two_days, TAMPERINGS["an amount"].format(order=OLD))
    assert watch() == (1, 0, timedelta(minutes=15))
    assert "reach=all" in capsys.readouterr().out
    tampered(two_days, TAMPERINGS["an amount"].replace("+ 1", "- 1").format(order=OLD))
    assert watch() == (0, 0, timedelta(days=1))


def test_the_checks_take_no_lock_that_a_posting_waits_for(two_days: Billing) -> None:
    """Each table of the ledger is only read: what is posted meanwhile is posted at once."""
    entries = (Entry("E:psp_fee", "D", 5, "CNY"), Entry("A:psp:stripe", "C", 5, "CNY"))
    with two_days.transaction(LATER) as watching:
        watch_all_invariants("ledger", uow=watching, now=LATER)
        watch_invariants("ledger", uow=watching, now=LATER)
        with two_days.transaction(LATER) as posting:
            posting.connection.exec_driver_sql("SET LOCAL lock_timeout = 1")
            assert post_transaction(posting, key="fee", kind="test", entries=entries, effective_at=LATER, now=LATER)


def test_a_new_database_is_watched_from_the_start(stack: dict[str, str], stand_in: object) -> None:
    """Nobody has to switch it on; the timers are there, due at once, and `work` knows them."""
    del stand_in
    fresh = fresh_database(stack, "billing")
    known = {kind for (kind,) in fresh.rows("SELECT kind FROM timer WHERE subject = 'ledger' AND due_at = 'epoch'")}
    assert {WATCH_TIMER, WATCH_ALL_TIMER} <= known
    assert {WATCH_TIMER, WATCH_ALL_TIMER} <= set(work(settings()).timers)
