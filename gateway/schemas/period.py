"""Closed months."""

from gateway.schemas.base import Shown
from services.shared.messages.base import Instant


class Period(Shown):
    period: str
    until: Instant
    closed_at: Instant
    closed_by: str
    trial_balance_sha256: str
    block: int | None


class PeriodPage(Shown):
    items: tuple[Period, ...]
    next_cursor: str | None
