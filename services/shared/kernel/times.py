"""Instants are aware UTC; business dates are Asia/Shanghai. Nothing here reads a clock."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

BUSINESS_ZONE = ZoneInfo("Asia/Shanghai")


def business_date(instant: datetime) -> date:
    """The operating company's calendar day at *instant* (aware)."""
    return instant.astimezone(BUSINESS_ZONE).date()


def end_of_business_day(day: date) -> datetime:
    """The first instant (UTC) after *day* in Asia/Shanghai: due by *day* means before this."""
    return datetime.combine(day + timedelta(days=1), time(), BUSINESS_ZONE).astimezone(UTC)


def rfc3339(instant: datetime) -> str:
    """*2026-11-23T06:51:33.123456Z*."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
