"""Instants are UTC, business dates are Shanghai's."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from services.shared.kernel.times import business_date, calendar_days, end_of_business_day, rfc3339, working_days


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC), date(2026, 12, 31)),
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(2026, 11, 23, 23, 30, tzinfo=timezone(timedelta(hours=-5))), date(2026, 11, 24)),
    ],
)
def test_the_business_day_turns_at_sixteen_utc(instant: datetime, day: date) -> None:
    """Whatever zone the instant is written in; the year of a series turns with it."""
    assert business_date(instant) == day


def test_a_day_ends_where_the_next_begins() -> None:
    """Due by a day means before the first instant after it."""
    end = end_of_business_day(date(2026, 12, 31))
    assert end == datetime(2026, 12, 31, 16, tzinfo=UTC)
    assert end.tzinfo is UTC
    assert business_date(end) == date(2027, 1, 1)
    assert business_date(end - timedelta(microseconds=1)) == date(2026, 12, 31)


def test_the_last_day_of_the_calendar_ends_too() -> None:
    """People write it for "for ever"."""
    end = end_of_business_day(date.max)
    assert end == datetime(9999, 12, 31, 16, tzinfo=UTC)
    assert end - end_of_business_day(date(9999, 12, 30)) == timedelta(days=1)


def _end(begins: date, days: int) -> int:
    """Calendar days until *days* working days of a five-day week have passed after *begins*."""
    passed, left = 0, days
    while left:
        passed += 1
        left -= (begins + timedelta(days=passed)).weekday() < 5
    return passed


@pytest.mark.parametrize("days", [1, 2, 4, 5, 6, 7, 10, 21, 260])
def test_working_days_surely_pass_in_their_calendar_days(days: int) -> None:
    """On whichever weekday they begin, and no day more than the worst of them needs; the way back is exact."""
    worst = max(_end(date(2026, 11, 23) + timedelta(days=start), days) for start in range(7))
    assert calendar_days(days) == worst
    assert working_days(calendar_days(days)) == days


@pytest.mark.parametrize(
    ("calendar", "working"), [(1, 1), (2, 1), (3, 1), (5, 3), (7, 5), (9, 5), (14, 10), (365, 260)]
)
def test_calendar_days_hold_so_many_working_days_for_sure(calendar: int, working: int) -> None:
    """Rounded down, so that what was promised in calendar days is promised no later; one is the least."""
    assert working_days(calendar) == working


def test_instants_are_written_in_utc_with_microseconds() -> None:
    """Always the same length, so that they compare as texts."""
    assert rfc3339(datetime(2026, 11, 23, 6, 51, 33, 123456, tzinfo=UTC)) == "2026-11-23T06:51:33.123456Z"
    shanghai = timezone(timedelta(hours=8))
    assert rfc3339(datetime(2026, 11, 23, 14, 51, 33, tzinfo=shanghai)) == "2026-11-23T06:51:33.000000Z"
