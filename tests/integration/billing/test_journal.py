"""The exported journal, read by others' programs: CSV, and beancount in a process of its own."""

import csv
import io
import shutil
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from services.billing.adapters.journal_queries import export_journal
from services.billing.domain.journal import beancount_account
from services.billing.domain.ledger import Entry
from services.billing.use_cases.ledger import post_transaction, reverse_transaction
from services.billing.use_cases.period import close_period
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id
from services.shared.kernel.money import EXPONENTS
from services.shared.messages.billing.journal import ExportJournal, JournalFormat
from services.shared.messages.billing.period import ClosePeriod
from tests.integration.billing.conftest import Billing
from tests.integration.billing.test_periods import IN_DECEMBER, IN_NOVEMBER, UNTIL, book
from tests.kit.fakes_billing import NOW, ORDER_ID, REQUESTER
from tests.kit.fakes_billing import amounts as order_amounts


def exported(billing: Billing, form: JournalFormat, limit: int = 3) -> str:
    """The whole file, from pieces of *limit* transactions."""
    content, cursor = "", None
    while True:
        piece = billing.run(export_journal, ExportJournal(form=form, limit=limit, after=cursor))
        content, cursor = content + piece.content, piece.next_cursor
        if cursor is None:
            return content


def a_busy_ledger(billing: Billing) -> None:
    """Orders, odd amounts, currencies with 0 and 3 decimals, a reversal, a quote in a key, a closed month."""
    for number in range(4):
        order_id = derived_id("order", number)
        billing.accepted(order_id, f"OR-2026-{number:06d}", money=order_amounts(33_333 + number, 2_000))
    for key, amount, currency in (('with "quotes" \\', 1, "CNY"), ("yen", 1_060, "JPY"), ("dinar", 1_001, "KWD")):
        entries = (Entry("A:ar:voucher_programme:x", "D", amount, currency), Entry("E:rounding", "C", amount, currency))
        with billing.transaction() as uow:
            post_transaction(uow, key=key, kind="test", entries=entries, effective_at=NOW, now=NOW)
    yen = derived_id("ledger_tx", "yen")
    billing.within(lambda uow: reverse_transaction(uow, yen, effective_at=NOW + timedelta(days=1), now=IN_DECEMBER))
    assert billing.violations() == ()
    billing.run(close_period, ClosePeriod(period="2026-11"), now=IN_DECEMBER)
    book(billing, "late", 7, IN_NOVEMBER)


def beancount(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A program of beancount, a process of its own."""
    found = shutil.which(program, path=str(Path(sys.executable).parent))
    assert found is not None
    return subprocess.run([found, *arguments], capture_output=True, text=True, check=False, timeout=120)


def run(program: str, *arguments: str) -> str:
    """What it prints; it must succeed and complain of nothing."""
    done = beancount(program, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def complaint(program: str, *arguments: str) -> str:
    """What it complains of; it must not succeed."""
    done = beancount(program, *arguments)
    assert done.returncode != 0
    return done.stderr


def test_beancount_reads_it_and_comes_to_the_same_balances(billing: Billing, tmp_path: Path) -> None:
    """To the minor unit, for every account and currency; and it refuses the file when a fen is missing."""
    a_busy_ledger(billing)
    file = tmp_path / "journal.beancount"
    file.write_text(exported(billing, "beancount"), "utf-8")
    assert run("bean-check", str(file)) == ""
    rows = csv.DictReader(
        io.StringIO(
            run("bean-query", "--format", "csv", str(file),
                "SELECT account, currency, sum(number) AS stands GROUP BY account, currency")
        )
    )  # fmt: skip
    theirs = {(row["account"].strip(), row["currency"].strip()): Decimal(row["stands"].strip()) for row in rows}
    ours = {
        (beancount_account(account), currency): Decimal(int(stands)).scaleb(-EXPONENTS[currency])
        for account, currency, stands in billing.rows(
            "SELECT account, currency, sum(posted_d - posted_c) FROM account_balance GROUP BY account, currency"
        )
    }
    assert len(ours) > 10
    assert theirs == ours
    assert "business: 2026-11-" in file.read_text("utf-8")
    broken = tmp_path / "broken.beancount"
    broken.write_text(file.read_text("utf-8").replace("0.01 CNY", "0.02 CNY", 1), "utf-8")
    assert "does not balance" in complaint("bean-check", str(broken))


def test_the_csv_has_a_row_for_each_entry(billing: Billing) -> None:
    """Whatever the size of the pieces; sums per account and currency are the ledger's."""
    a_busy_ledger(billing)
    content = exported(billing, "csv")
    assert content == exported(billing, "csv", limit=1_000)
    rows = list(csv.DictReader(io.StringIO(content)))
    assert [(len(rows),)] == billing.rows("SELECT count(*) FROM ledger_entry")
    sums: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        place = row["account"], row["currency"]
        sums[place] = sums.get(place, Decimal()) + Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0)
    for account, currency, stands in billing.rows(
        "SELECT account, currency, sum(posted_d - posted_c) FROM account_balance GROUP BY account, currency"
    ):
        assert sums[account, currency].scaleb(EXPONENTS[currency]) == stands
    (late,) = [row for row in rows if row["key"] == "late" and row["debit"]]
    assert (late["effective_on"], late["business_at"][:10], late["debit"]) == ("2026-12-01", "2026-11-21", "0.07")


def test_a_month_can_be_asked_for_and_by_finance_only(billing: Billing) -> None:
    """From the first instant on, before the last."""
    a_busy_ledger(billing)
    december = billing.run(export_journal, ExportJournal(form="csv", since=UNTIL)).content
    assert [row["key"] for row in csv.DictReader(io.StringIO(december))] == ["late", "late"]
    november = billing.run(export_journal, ExportJournal(form="csv", until=UNTIL)).content
    assert f"accept:{derived_id('order', 1)}" in november
    assert "late" not in november
    assert str(ORDER_ID) not in november
    with pytest.raises(NotFound):
        billing.run(export_journal, ExportJournal(form="csv"), REQUESTER)
