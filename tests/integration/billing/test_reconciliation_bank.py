"""The bank's lines and balances beside ours: what one side has alone, booked twice, days that nobody stated."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.billing.adapters import reconciliation_queries
from services.billing.domain import ledger
from services.billing.domain.bank_statement import StatementUnreadable
from services.billing.use_cases import reconciliation
from services.billing.use_cases.bank_line import resolve_bank_line, undo_bank_line
from services.billing.use_cases.ledger import post_transaction, reverse_transaction
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.bank_line import BankLinePart, ResolveBankLine, UndoBankLine
from services.shared.messages.billing.reconciliation import (
    ListReconciliationItems,
    ReconciliationItem,
    ReconciliationItemPage,
    ReconciliationView,
    StartReconciliation,
)
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import bank_says
from tests.integration.billing.test_bank_xml import read, reference
from tests.integration.billing.test_refund_ways import _ordered, _rerouted
from tests.kit.bank_statement_files import camt053, camt054, entry
from tests.kit.fakes_billing import CUSTOMER_ID, FINANCE, NOW, OWN_ACCOUNT, cny

MONDAY = date(2026, 11, 23)
AGE = timedelta(days=3)
NEXT_DAY = datetime(2026, 11, 24, 0, tzinfo=UTC)


def reconcile(billing: Billing, day: date = MONDAY, now: datetime = NEXT_DAY) -> ReconciliationView:
    command = StartReconciliation(source="bank", day=day)
    return billing.within(
        lambda uow: reconciliation.start_reconciliation(
            command, actor=FINANCE, uow=uow, now=now, overdue_after=AGE
        ),
        now,
    )  # fmt: skip


def items(billing: Billing, run: ReconciliationView) -> list[ReconciliationItem]:
    page: ReconciliationItemPage = billing.run(
        reconciliation_queries.list_reconciliation_items, ListReconciliationItems(run_id=run.run_id)
    )
    return list(page.items)


def found(billing: Billing, run: ReconciliationView) -> set[tuple[str, str, int | None, int | None]]:
    return {(each.kind, each.state, each.ours, each.theirs) for each in items(billing, run)}


def test_every_line_is_booked_once_and_the_balance_is_the_stated_one(billing: Billing) -> None:
    """What pays, and what waits in suspense, which is told with its age as long as it waits."""
    billing.contracted(method="bank_transfer")
    read(billing, camt053(entry("1060.00", reference="B1", text=reference(billing)), entry("5.00", reference="B2"),
                          closing="1065.00", day="2026-11-23"))  # fmt: skip
    run = reconcile(billing)
    assert (run.matched, found(billing, run)) == (2, {("suspense", "theirs_only", None, 500)})
    ((balance),) = run.balances
    assert (balance.theirs, balance.ours, balance.before, balance.on) == (106_500, 106_500, 0, MONDAY)
    later = reconcile(billing, MONDAY, NEXT_DAY + timedelta(days=9))
    (waiting,) = items(billing, later)
    assert (waiting.reference, waiting.age_days, waiting.overdue) == ("B2", 10, True)
    assert waiting.first_seen_at == items(billing, run)[0].first_seen_at


def test_a_line_resolved_undone_and_resolved_anew_stays_one(billing: Billing) -> None:
    """However often it is matched: what stands on our account is the line, once."""
    billing.contracted(method="bank_transfer")
    content = camt053(entry("1060.00", reference="B1", text=reference(billing)), entry("5.00", reference="B2"))
    line_id = next(each.bank_line_id for each in read(billing, content).lines if each.serial_number == "B2")
    part = BankLinePart(kind="customer_credit", target_id=CUSTOMER_ID, amount=cny(500))
    resolve = ResolveBankLine(bank_line_id=line_id, parts=(part,))
    undo = UndoBankLine(bank_line_id=line_id, reason="wrong")
    for _ in range(2):
        billing.within(lambda uow: resolve_bank_line(resolve, actor=FINANCE, uow=uow, now=NOW, alone_max=10**9))
        run = reconcile(billing)
        assert (run.matched, found(billing, run)) == (2, set())
        billing.within(lambda uow: undo_bank_line(undo, actor=FINANCE, uow=uow, now=NOW))
    assert found(billing, reconcile(billing)) == {("suspense", "theirs_only", None, 500)}


def test_a_refund_that_came_back_and_went_again(billing: Billing) -> None:
    """Each of its transfers is its line's, once."""
    made = _ordered(billing)
    bank_says(billing, ("b2", "out", "106.00", made.number))
    bank_says(billing, ("r1", "in", "106.00", made.number))
    _rerouted(billing, made, "bank_transfer")
    bank_says(billing, ("b3", "out", "106.00", made.number))
    run = reconcile(billing)
    assert (run.matched, found(billing, run)) == (4, set())


def test_one_transfer_booked_twice_shows_in_the_balance(billing: Billing) -> None:
    """
    Without a reference and worded otherwise in two files it is two lines to us: only the stated balance says that.

    A posting that takes one of them back puts it in order; the item says since when it was not.
    """
    read(billing, camt054(entry("80.00", text="transfer from 青城材料")))
    read(billing, camt053(entry("80.00", text="QINGCHENG MATERIALS"), closing="80.00", day="2026-11-23"))
    run = reconcile(billing)
    balances = [each for each in items(billing, run) if each.kind == "balance"]
    assert [(each.state, each.ours, each.theirs) for each in balances] == [("amount_differs", 16_000, 8_000)]
    assert balances[0].occurred_at == datetime(2026, 11, 23, 16, tzinfo=UTC)
    read(billing, camt053(opening="80.00", closing="80.00", day="2026-11-24"))
    next_run = reconcile(billing, date(2026, 11, 24), NEXT_DAY + timedelta(days=1))
    (still,) = [each for each in items(billing, next_run) if each.kind == "balance"]
    assert (still.item_id, still.occurred_at) == (balances[0].item_id, balances[0].occurred_at)
    ((doubled,),) = billing.rows("SELECT serial_number FROM bank_line ORDER BY serial_number LIMIT 1")
    key = f"bank:{OWN_ACCOUNT}:{doubled}"
    billing.within(lambda uow: reverse_transaction(uow, derived_id("ledger_tx", key), effective_at=NOW, now=NOW))
    last = reconcile(billing, date(2026, 11, 24), NEXT_DAY + timedelta(days=1))
    assert not [each for each in items(billing, last) if each.kind == "balance"]
    # The line itself is still there, and now nothing is booked for it.
    assert ("movement", "theirs_only", 0, 8_000) in found(billing, last)


def test_what_only_we_have_booked(billing: Billing) -> None:
    """An entry on the bank's account that no line is behind; the stated balance lacks it too."""
    read(billing, camt053(closing="0.00", day="2026-11-23"))
    account = ledger.customer_credit(CUSTOMER_ID)
    entries = ledger.entries(("D", ledger.BANK, cny(300)), ("C", account, cny(300)))
    billing.within(
        lambda uow: post_transaction(
            uow, key="bank:x:y", kind="receipt_bank", entries=entries, effective_at=NOW, now=NOW
        )
    )
    assert found(billing, reconcile(billing)) == {
        ("movement", "ours_only", 300, None), ("balance", "amount_differs", 300, 0),
    }  # fmt: skip


def test_a_line_that_nothing_is_booked_for(billing: Billing) -> None:
    """And one that is booked with another amount."""
    read(billing, camt053(entry("5.00", reference="B1"), entry("7.00", reference="B2")))
    billing.database.change("UPDATE bank_line SET amount = 900 WHERE serial_number = 'B1'")
    key = f"bank:{OWN_ACCOUNT}:B2"
    billing.within(lambda uow: reverse_transaction(uow, derived_id("ledger_tx", key), effective_at=NOW, now=NOW))
    movements = {each for each in found(billing, reconcile(billing)) if each[0] == "movement"}
    assert movements == {("movement", "amount_differs", 500, 900), ("movement", "theirs_only", 0, 700)}


def test_days_that_no_statement_is_known_of(billing: Billing) -> None:
    """Between two where the balance changed, and since the last one; a day on which nothing moved is not missed."""
    read(billing, camt053(opening="1000.00", closing="1000.00", day="2026-11-17"))
    read(billing, camt053(opening="1000.00", closing="1000.00", day="2026-11-19"))
    read(billing, camt053(opening="1050.00", closing="1050.00", day="2026-11-21"))
    run = reconcile(billing, date(2026, 11, 22), NEXT_DAY)
    statements = [each for each in items(billing, run) if each.kind == "statement"]
    assert [(each.reference, each.theirs) for each in statements] == [
        ("2026-11-20..2026-11-20", 5_000),
        ("2026-11-22..", None),
    ]
    (balance,) = run.balances
    assert (balance.before, balance.theirs, balance.ours) == (100_000, 105_000, 100_000)
    read(billing, camt053(entry("50.00", reference="B1", day="2026-11-20"), opening="1000.00", closing="1050.00",
                          day="2026-11-20"))  # fmt: skip
    read(billing, camt053(opening="1050.00", closing="1050.00", day="2026-11-22"))
    run = reconcile(billing, date(2026, 11, 22), NEXT_DAY)
    assert {each.kind for each in items(billing, run)} == {"suspense"}


def test_what_happens_later_is_not_compared_yet(billing: Billing) -> None:
    read(billing, camt053(entry("5.00", reference="B1", day="2026-11-24")))
    assert (reconcile(billing).matched, found(billing, reconcile(billing))) == (0, set())
    assert reconcile(billing, date(2026, 11, 24), NEXT_DAY + timedelta(hours=12)).matched == 1


@pytest.mark.parametrize("day", ["2026-11-31", "yesterday"])
def test_a_balance_of_no_day_refuses_the_file(billing: Billing, day: str) -> None:
    with pytest.raises(StatementUnreadable):
        read(billing, camt053(entry("5.00", reference="B1"), closing="5.00", day=day))
    assert billing.rows("SELECT count(*) FROM bank_line") == [(0,)]


def test_a_bank_of_which_nearly_nothing_is_explained_is_compared_each_day(billing: Billing) -> None:
    """For a company that begins with the lines of years: what was open yesterday is not looked for one by one."""
    billing.database.change(
        "INSERT INTO bank_line (bank_line_id, account, serial_number, booked_at, direction, amount, currency,"
        " counterparty, remittance, state, target, reason, imported_at)"
        f" SELECT gen_random_uuid(), '{OWN_ACCOUNT}', 'L' || n, '2026-11-20', 'in', 500, 'CNY', '', '', 'suspense', '',"
        " 'no_claim', '2026-11-20' FROM generate_series(1, 30000) AS n"
    )
    assert reconcile(billing).theirs_only == 60_000
    assert reconcile(billing).theirs_only == 60_000
    billing.database.change("UPDATE bank_line SET state = 'withdrawn' WHERE serial_number <> 'L7'")
    assert reconcile(billing).theirs_only == 2
    assert billing.rows("SELECT count(*) FROM reconciliation_item WHERE resolved_at IS NULL") == [(2,)]
