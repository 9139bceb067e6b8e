"""Reconciliation: when it runs, what it asks, what it tells."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from services.billing.domain.reconciliation import (
    ChannelBill,
    DayNotBegun,
    Found,
    ListedMovement,
    Overdue,
    next_daily_run,
)
from services.billing.use_cases import reconciliation
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.billing.reconciliation import (
    ReconciliationOverdue,
    ReconciliationView,
    StartReconciliation,
)
from tests.kit.fakes_billing import DISPUTE_OPERATOR, FINANCE, NOW, REQUESTER, FakeBillingUnitOfWork

AGE = timedelta(days=3)
TODAY = date(2026, 11, 23)
YESTERDAY = date(2026, 11, 22)


@pytest.fixture
def uow() -> FakeBillingUnitOfWork:
    return FakeBillingUnitOfWork()


def start(uow: FakeBillingUnitOfWork, **how: object) -> ReconciliationView:
    command = StartReconciliation.model_validate({"source": "stripe", **how})
    return reconciliation.start_reconciliation(command, actor=FINANCE, uow=uow, now=NOW, overdue_after=AGE)


def listed(uow: FakeBillingUnitOfWork, *movements: ListedMovement, after: str | None = None, piece: int = -1) -> None:
    asked = uow.calls("list_stripe_movements")[piece]
    reconciliation.movements_listed(
        asked, movements, {"after": after, "newest": 7}, {"CNY": 5}, uow=uow, now=NOW, overdue_after=AGE
    )


def a_movement(movement_id: str, at: datetime = NOW) -> ListedMovement:
    return ListedMovement(movement_id, "charge", 106_000, 674, 38, "CNY", "ch_1", "", at)


@pytest.mark.parametrize("actor", [REQUESTER, DISPUTE_OPERATOR])
def test_finance_alone_starts_a_run(uow: FakeBillingUnitOfWork, actor: Actor) -> None:
    wanted = StartReconciliation(source="bank")
    with pytest.raises((NotAllowed, NotFound)):
        reconciliation.start_reconciliation(wanted, actor=actor, uow=uow, now=NOW, overdue_after=AGE)
    assert not uow.reconciliations.runs


def test_a_day_to_come_is_refused(uow: FakeBillingUnitOfWork) -> None:
    """Today is compared up to now, an earlier day up to its end in Shanghai, tomorrow not at all."""
    assert start(uow, day=TODAY).until == NOW
    assert start(uow).until == datetime(2026, 11, 22, 16, tzinfo=UTC)
    with pytest.raises(DayNotBegun):
        start(uow, day=TODAY + timedelta(days=1))


def test_the_first_run_asks_for_everything_and_later_ones_for_what_is_new(uow: FakeBillingUnitOfWork) -> None:
    start(uow)
    listed(uow, a_movement("txn_1"))
    start(uow)
    start(uow, since_ever=True)
    week_before = int((NOW - timedelta(days=7)).timestamp())
    assert [call["since"] for call in uow.calls("list_stripe_movements")] == [0, week_before, 0]


def test_nothing_is_compared_before_all_is_listed(uow: FakeBillingUnitOfWork) -> None:
    """Piece after piece, each asked once; the last one brings the comparison, told again it brings no second one."""
    run = start(uow)
    listed(uow, a_movement("txn_2"), after="txn_2")
    listed(uow, a_movement("txn_2"), after="txn_2", piece=0)
    assert [(call["piece"], call["after"], call["newest"]) for call in uow.calls("list_stripe_movements")] == [
        (1, "", 0), (2, "txn_2", 7),
    ]  # fmt: skip
    assert not uow.reconciliations.compared
    uow.reconciliations.finds = Found(matched=2, theirs_only=1)
    listed(uow, a_movement("txn_1"))
    listed(uow, a_movement("txn_1"))
    assert set(uow.reconciliations.movements) == {"txn_1", "txn_2"}
    ((compared, balances),) = uow.reconciliations.compared
    assert (compared.run_id, balances[0].theirs) == (run.run_id, 5)
    done = reconciliation.view(uow.reconciliations.get(run.run_id))
    assert (done.state, done.matched, done.theirs_only) == ("done", 2, 1)


def test_a_refused_list_fails_the_run(uow: FakeBillingUnitOfWork) -> None:
    run = start(uow)
    reconciliation.movements_not_listed(run.run_id, "billing.stripe_refused", uow=uow, now=NOW)
    failed = uow.reconciliations.get(run.run_id)
    assert (failed.state, failed.failure) == ("failed", "billing.stripe_refused")
    listed(uow)
    assert not uow.reconciliations.compared
    with pytest.raises(WrongState):
        failed.finish(Found(0), (), NOW)


def test_bills_of_the_channel_are_asked_for_day_by_day_and_then_compared(uow: FakeBillingUnitOfWork) -> None:
    """One that is not there yet stops nothing; the last one told again brings no second comparison."""
    uow.reconciliations.wanted = [YESTERDAY - timedelta(days=1), YESTERDAY]
    start(uow, source="channel")

    def told(bill: ChannelBill | None) -> None:
        asked = uow.calls("list_channel_bill")[-1]
        reconciliation.bill_listed(asked, bill, uow=uow, now=NOW, overdue_after=AGE)

    told(None)
    assert not uow.reconciliations.compared
    bill = ChannelBill(YESTERDAY, (), ())
    told(bill)
    told(bill)
    assert [call["days"] for call in uow.calls("list_channel_bill")] == [["2026-11-21", "2026-11-22"], ["2026-11-22"]]
    assert uow.reconciliations.bills == [bill, bill]
    assert len(uow.reconciliations.compared) == 1


def test_every_day_at_the_same_time(uow: FakeBillingUnitOfWork) -> None:
    """Every source for yesterday; the alarm an hour later; the next runs at six in Shanghai."""
    reconciliation.reconcile_daily("daily", uow=uow, now=NOW, at=time(6), overdue_after=AGE)
    assert {(run.source, run.day, run.asked_by) for run in uow.reconciliations.runs.values()} == {
        ("stripe", YESTERDAY, "timer"), ("bank", YESTERDAY, "timer"), ("vouchers", YESTERDAY, "timer"),
        ("channel", YESTERDAY, "timer"),
    }  # fmt: skip
    assert uow.timers == {
        ("reconcile_daily", "daily"): datetime(2026, 11, 23, 22, tzinfo=UTC),
        ("tell_overdue_items", "daily"): NOW + timedelta(hours=1),
    }


def test_a_run_late_in_the_day_moves_none_of_the_next() -> None:
    """Exactly at the time it is the next day's; a moment before, today's."""
    six = datetime(2026, 11, 23, 22, tzinfo=UTC)
    assert next_daily_run(six, time(6)) == six + timedelta(days=1)
    assert next_daily_run(six - timedelta(microseconds=1), time(6)) == six


@pytest.mark.parametrize(
    ("late", "told"),
    [(Overdue({}, 0, 0), 0), (Overdue({"bank": 2, "stripe": 1}, 9, 0), 1), (Overdue({}, 0, 1), 1)],
)
def test_what_is_overdue_is_told(uow: FakeBillingUnitOfWork, late: Overdue, told: int) -> None:
    """Items, or a run that does not end; nothing where all is in order."""
    uow.reconciliations.late = late
    reconciliation.tell_overdue("daily", uow=uow, now=NOW)
    events = uow.events(ReconciliationOverdue)
    assert len(events) == told
    for event in events:
        assert (event.day, event.items, event.unfinished_runs) == (
            TODAY,
            sum(late.items.values()),
            late.unfinished_runs,
        )
