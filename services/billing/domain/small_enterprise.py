"""
Small enterprises: providers and stations that the law wants paid by a day, whether or not the customer has paid us.

The party declares its size from a day on, the company's staff confirms it; what is not confirmed has no effect. Other
words may follow, each from its own day on.

Source: Regulations on Ensuring Payments to Small and Medium-sized Enterprises (保障中小企业款项支付条例).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.times import end_of_business_day

DeclarationState = Literal["declared", "confirmed", "refused"]

LIFECYCLE: Lifecycle[DeclarationState] = Lifecycle(
    "small_enterprise", {"confirm": {"declared": "confirmed"}, "refuse": {"declared": "refused"}}
)

PAYMENT_DAYS = 60
"""From the acceptance of the work; the law allows no more."""


NOTICE_DAYS = 7
"""Before the last day finance is told."""

_MORNING = timedelta(hours=9)


def in_the_morning(day: date) -> datetime:
    """Nine o'clock of *day* in Asia/Shanghai."""
    return end_of_business_day(day - timedelta(days=1)) + _MORNING


@dataclass
class SmallEnterprise:
    """
    What a party says of its size.

    Attributes:
        is_small: A micro, small or medium-sized enterprise. False: it is none any more.
        since: From the start of this day in Asia/Shanghai on, until another confirmed word.
    """

    declaration_id: UUID
    organisation_id: UUID
    state: DeclarationState
    is_small: bool
    since: date
    declared_at: datetime
    declared_by: str
    decided_at: datetime | None = None
    decided_by: str = ""
    version: int = 0

    def decide(self, *, confirmed: bool, by: str, now: datetime) -> None:
        """The company's staff has looked it up. Raises WrongState."""
        self.state = LIFECYCLE.after("confirm" if confirmed else "refuse", self.state)
        self.decided_at, self.decided_by = now, by
