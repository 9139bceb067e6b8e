"""Instants are aware UTC; business dates are Asia/Shanghai. Nothing here reads a clock."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

BUSINESS_ZONE = ZoneInfo("Asia/Shanghai")
_EARLIEST, _LATEST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


def in_calendar(instant: datetime) -> bool:
    """Whether *instant* (aware) has a day in every time zone: PostgreSQL keeps others, and nobody reads them again."""
    return _EARLIEST <= instant <= _LATEST


def business_date(instant: datetime) -> date:
    """The operating company's calendar day at *instant* (aware)."""
    return instant.astimezone(BUSINESS_ZONE).date()


def end_of_business_day(day: date) -> datetime:
    """The first instant (UTC) after *day* in Asia/Shanghai: due by *day* means before this."""
    if day == date.max:  # "for ever": there is no day after it
        return datetime.combine(day, time(), BUSINESS_ZONE).astimezone(UTC) + timedelta(days=1)
    return datetime.combine(day + timedelta(days=1), time(), BUSINESS_ZONE).astimezone(UTC)


def start_of_business_period(instant: datetime, period: Literal["month", "year"]) -> datetime:
    """The first instant (UTC) of the calendar month or year in Asia/Shanghai that *instant* lies in."""
    day = business_date(instant).replace(day=1)
    first = day if period == "month" else day.replace(month=1)
    return datetime.combine(first, time(), BUSINESS_ZONE).astimezone(UTC)


_WEEK, _WORK_WEEK, _WEEKEND = 7, 5, 2


def calendar_days(working_days: int) -> int:
    """
    The calendar days in which *working_days* are sure to pass, on whichever day of a five-day week they begin.

    Public holidays are not known here: each that falls among them adds a day.
    """
    return working_days + _WEEKEND * -(-working_days // _WORK_WEEK)


def working_days(calendar_days: int) -> int:
    """The most working days that are sure to fit into *calendar_days*, one at least; undoes `calendar_days`."""
    weeks, rest = divmod(calendar_days, _WEEK)
    return max(1, weeks * _WORK_WEEK + max(0, rest - _WEEKEND))


def rfc3339(instant: datetime) -> str:
    """*2026-11-23T06:51:33.123456Z*."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
