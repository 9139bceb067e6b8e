"""
The only reader of the clock.

Business time is wall time plus an offset kept in one row of each database, so that tests and the
demo can move it and every process of a service agrees. Retries, sessions, signatures and presigned
URLs use wall time: they speak to the outside, whose clock nobody moves.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def wall(self) -> datetime:
        """Now, aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow, for deadlines within the process."""
        ...


class SystemClock:
    def wall(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def business(wall: datetime, offset_s: float) -> datetime:
    """Business time at *wall* under the offset that the database holds."""
    return wall + timedelta(seconds=offset_s)
