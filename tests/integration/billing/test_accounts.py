"""What stood on accounts as of any time, and why: on real PostgreSQL."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from services.billing.adapters.account_queries import get_account_statement, get_trial_balance
from services.billing.adapters.explanation_queries import explain_balance
from services.billing.domain.ledger import Entry, contract, owed, payout_transit
from services.billing.use_cases.ledger import post_transaction
from services.shared.chassis.paging import CursorInvalid
from services.shared.chassis.unit_of_work import Cause
from services.shared.kernel.errors import NotFound
from services.shared.messages.billing.account import (
    AccountStatementPage,
    ExplainBalance,
    GetAccountStatement,
    GetTrialBalance,
)
from tests.integration.billing.conftest import Billing
from tests.integration.billing.test_adjustments import RECEIVABLE, approve, proposed, proposed_reversal
from tests.integration.billing.test_bank_lines import resolve
from tests.integration.billing.test_settlements import bank_says, close, matched
from tests.kit.fakes_billing import LATER, NOW, ORDER_ID, OTHER_FINANCE, PROVIDER_ID, REQUESTER

DAY = timedelta(days=1)
EXPENSE = "E:psp_fee"


def book(billing: Billing, key: str, amount: int, effective_at: datetime, posted_at: datetime) -> None:
    entries = (Entry(EXPENSE, "D", amount, "CNY"), Entry("R:service", "C", amount, "CNY"))
    billing.within(
        lambda uow: post_transaction(
            uow, key=key, kind="test", entries=entries, effective_at=effective_at, now=posted_at
        )
    )


def test_as_of_two_times(billing: Billing) -> None:
    """What counts and what was known are two questions: a fact of Monday that comes in on Friday is in one of them."""
    book(billing, "monday, known on friday", 1, NOW, NOW + 4 * DAY)
    book(billing, "tuesday", 10, NOW + DAY, NOW + DAY)
    book(billing, "thursday", 100, NOW + 3 * DAY, NOW + 3 * DAY)

    def stands(until: datetime, known_at: datetime) -> int:
        page = billing.run(get_trial_balance, GetTrialBalance(until=until, known_at=known_at))
        (total,) = page.totals or (None,)
        if total is None:
            return 0
        assert total.debit == total.credit
        return next(each.debit for each in page.items if each.account == EXPENSE)

    later = NOW + 9 * DAY
    assert stands(later, later) == 111
    assert stands(NOW + DAY, later) == 1
    assert stands(NOW + DAY + timedelta(microseconds=1), later) == 11
    assert stands(later, NOW + 3 * DAY) == 110
    assert stands(NOW + 2 * DAY, NOW + 2 * DAY) == 10
    assert stands(NOW, later) == 0


def test_a_statement_opens_runs_and_closes(billing: Billing) -> None:
    """Pages go on from each other, in the order in which entries count, also where several count at once."""
    for number in range(7):
        book(billing, f"k{number}", 2**number, NOW + (number // 2) * DAY, NOW + 10 * DAY)
    asked = GetAccountStatement(account=EXPENSE, currency="CNY", since=NOW + DAY, until=NOW + 3 * DAY, limit=3)
    seen: list[AccountStatementPage] = []
    cursor = None
    while cursor is not None or not seen:
        later = NOW + 20 * DAY
        seen.append(billing.run(get_account_statement, asked.model_copy(update={"after": cursor}), now=later))
        cursor = seen[-1].next_cursor
    assert [len(page.items) for page in seen] == [3, 1]
    assert {(page.opening, page.closing, page.side) for page in seen} == {(3, 63, "D")}
    lines = [line for page in seen for line in page.items]
    assert [(line.key, line.balance) for line in lines] == [("k2", 7), ("k3", 15), ("k4", 31), ("k5", 63)]
    revenue = billing.run(
        get_account_statement, GetAccountStatement(account="R:service", currency="CNY"), now=NOW + 20 * DAY
    )
    assert (revenue.side, revenue.opening, revenue.closing, revenue.items[-1].balance) == ("C", 0, 127, 127)
    with pytest.raises(CursorInvalid):
        billing.run(get_account_statement, asked.model_copy(update={"after": "rubbish"}))


def test_an_account_or_currency_without_entries_is_even(billing: Billing) -> None:
    """There is nothing to explain."""
    book(billing, "k", 5, NOW, NOW)
    for account, currency in (("E:nothing", "CNY"), (EXPENSE, "USD")):
        page = billing.run(get_account_statement, GetAccountStatement(account=account, currency=currency))
        assert (page.opening, page.closing, page.items) == (0, 0, ())
        assert billing.run(explain_balance, ExplainBalance(account=account, currency=currency)).items == ()


def test_a_figure_is_explained_down_to_the_order_and_what_led_to_it(billing: Billing) -> None:
    """What we owe a provider: acceptance of which order, which event of whose log."""
    billing.accepted()
    owed = f"L:provider:{PROVIDER_ID}:accrued"
    page = billing.run(explain_balance, ExplainBalance(account=owed, currency="CNY"), now=NOW + DAY)
    assert (page.balance, page.side) == (90_000, "C")
    (entry,) = page.items
    assert entry.kind == "acceptance"
    assert [(each.noun, each.number) for each in entry.references] == [("order", "OR-2026-000123")]
    assert {each.account for each in entry.entries} >= {contract(ORDER_ID), "R:service", owed}
    psp = billing.run(explain_balance, ExplainBalance(account="A:psp:stripe", currency="CNY"), now=NOW + DAY)
    (receipt,) = psp.items
    assert [(each.noun, each.number) for each in receipt.references] == [
        ("order", "OR-2026-000123"), ("payment", f"ch_{ORDER_ID}"),
    ]  # fmt: skip


def test_a_figure_leads_to_settlement_payout_and_bank_line(billing: Billing) -> None:
    """By the numbers that people call these things by."""
    billing.accepted()
    stated = next(each for each in close(billing).items if each.party_kind == "provider")
    matched(billing, stated)
    started = billing.pay_out(stated.settlement_id)
    bank_says(billing, ("b1", "out", "954.00", started.number), ("b2", "in", "7.00", "?"))

    def about(account: str) -> list[tuple[str, list[tuple[str, str]]]]:
        asked = ExplainBalance(account=account, currency="CNY", until=LATER + DAY, known_at=LATER + DAY)
        page = billing.run(explain_balance, asked)
        return [(each.kind, [(one.noun, one.number) for one in each.references]) for each in page.items]

    paid_by = [("payout", started.number), ("settlement", stated.number)]
    assert about(owed("provider", PROVIDER_ID, "payable")) == [
        ("payout_started", paid_by), ("received_invoice", [("settlement", stated.number)]),
    ]  # fmt: skip
    assert about(payout_transit(started.payout_id))[0] in [("payout_paid", paid_by), ("payout_started", paid_by)]
    assert about("L:suspense:bank") == [("bank_suspense", [("bank_line", "b2")])]
    ((waiting,),) = billing.rows("SELECT bank_line_id FROM bank_line WHERE state = 'suspense'")
    resolve(billing, UUID(str(waiting)), ("interest", None, 700))
    assert [references for _, references in about("L:suspense:bank")] == [[("bank_line", "b2")]] * 2


def test_what_was_taken_back_by_hand_says_so(billing: Billing) -> None:
    """Each of the two names the other, and the adjustment that a person proposed."""
    booked = approve(billing, proposed(billing))
    taken_back = approve(billing, proposed_reversal(billing, booked))
    page = billing.run(explain_balance, ExplainBalance(account=RECEIVABLE, currency="CNY"), now=NOW + DAY)
    assert page.balance == 1_000
    assert [(each.transaction_id, each.reverses, each.reversed_by) for each in page.items[:2]] == [
        (taken_back, booked, None), (booked, None, taken_back),
    ]  # fmt: skip
    assert [each.references[0].noun for each in page.items[:2]] == ["adjustment", "adjustment"]
    assert page.items[0].references != page.items[1].references


@pytest.mark.parametrize(
    ("cause", "kind", "what", "where", "about", "who"),
    [
        (Cause("c", "e1", origin="orders/7 order.placed.v1"), "event", "order.placed.v1", "orders/7", "order/x", ""),
        (Cause("c", "e1", origin="orders/8 order.placed.v1"), "event", "order.placed.v1", "orders/8", "", ""),
        (Cause("c", "request/c", "organisation/o/member/m"), "request", "", "c", "", "organisation/o/member/m"),
        (Cause("c", "timer/check_card_payment/p"), "timer", "check_card_payment", "", "p", ""),
        (Cause("c", "outside_call/00000000-0000-0000-0000-000000000001"), "outside_call", "create_payment_intent",
         "00000000-0000-0000-0000-000000000001", "payment_intent:1", ""),
        (Cause("c", "something of old"), "other", "", "something of old", "", ""),
    ],
)  # fmt: skip
def test_what_led_to_an_entry_is_told(
    billing: Billing, cause: Cause, kind: str, what: str, where: str, about: str, who: str
) -> None:
    """An event with its place in the source's log, a request with who asked, a timer, an answer from outside."""
    billing.database.change(
        "DELETE FROM inbox; INSERT INTO inbox (source, seq, type, stream, body, received_at)"
        " VALUES ('orders', 7, 'order.accepted.v1', 'order/x', '', '2026-11-23');"
        "INSERT INTO outside_call (id, kind, key, payload, next_attempt_at, headers)"
        " VALUES ('00000000-0000-0000-0000-000000000001', 'create_payment_intent', 'payment_intent:1', '{}', 'epoch',"
        " '{}')"
    )

    def deed(uow: object) -> None:
        uow.cause = cause  # type: ignore[attr-defined] # a unit of work
        entries = (Entry(EXPENSE, "D", 5, "CNY"), Entry("R:service", "C", 5, "CNY"))
        post_transaction(uow, key="k", kind="test", entries=entries, effective_at=NOW, now=NOW)  # type: ignore[arg-type] # a unit of work

    billing.within(deed)
    page = billing.run(explain_balance, ExplainBalance(account=EXPENSE, currency="CNY"), now=NOW + DAY)
    told = page.items[0].cause
    assert (told.kind, told.what, told.where, told.about, told.who) == (kind, what, where, about, who)
    billing.database.change("DELETE FROM inbox")


def test_finance_only(billing: Billing) -> None:
    """A customer learns nothing, not even that there are accounts."""
    for query, asked in (
        (get_trial_balance, GetTrialBalance()),
        (get_account_statement, GetAccountStatement(account=EXPENSE, currency="CNY")),
        (explain_balance, ExplainBalance(account=EXPENSE, currency="CNY")),
    ):
        with pytest.raises(NotFound):
            billing.run(query, asked, REQUESTER)
        billing.run(query, asked, OTHER_FINANCE)
