"""Commission that is overdue is reminded of at most once a week, three times, until nothing is left of it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.billing.domain.commission_debt import REMIND_EVERY, REMINDERS_MAX, CommissionDebt
from services.shared.kernel.ids import derived_id
from services.shared.kernel.times import business_date, end_of_business_day
from tests.kit.fakes_billing import NOW, PROVIDER_ID, cny

DUE = date(2026, 12, 8)
FIRST = datetime(2026, 12, 8, 16, tzinfo=UTC)
"""The 9th begins in Asia/Shanghai."""


def owed(left: int = 10_600) -> CommissionDebt:
    return CommissionDebt(
        derived_id("clawback"), PROVIDER_ID, derived_id("order"), "OR-2026-000123", cny(10_600), cny(left), DUE,
        "INV-2026-000001", 0, None,
    )  # fmt: skip


def test_three_reminders_a_week_apart() -> None:
    debt, told = owed(), []
    for hours in range(24 * 60):
        now = NOW + timedelta(hours=hours)
        if debt.remind(now, business_date(now)):
            told.append((business_date(now), debt.days_overdue(business_date(now))))
    assert told == [(date(2026, 12, 9), 1), (date(2026, 12, 16), 8), (date(2026, 12, 23), 15)]
    assert debt.next_reminder() is None


@pytest.mark.parametrize("late", [0, 6, 7, 30])
def test_after_a_pause_they_are_still_a_week_apart(late: int) -> None:
    """The platform was down when one was due: what was missed is not made up for at once."""
    debt, now = owed(), FIRST + timedelta(days=late)
    assert debt.remind(now, business_date(now))
    assert not debt.remind(now, business_date(now))
    assert debt.next_reminder() == end_of_business_day(business_date(now) + REMIND_EVERY - timedelta(days=1))
    assert (debt.reminders, REMINDERS_MAX) == (1, 3)


def test_not_before_it_is_overdue_and_not_once_it_is_paid() -> None:
    assert owed().next_reminder() == FIRST
    assert not owed().remind(FIRST - timedelta(seconds=1), DUE)
    paid = owed(left=0)
    assert (paid.next_reminder(), paid.remind(FIRST, date(2026, 12, 9)), paid.days_overdue(date(2027, 1, 1))) == (
        None, False, 0,
    )  # fmt: skip
