"""The channel's bills: of each day what moved, and what stood on the merchant's balance. Amounts are minor units."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
CURRENCY = "CNY"


@dataclass
class Moved:
    """
    Attributes:
        number: The caller's, of a withdrawal the channel's.
        balance: By how much the merchant's balance became more.
        held: By how much what is held for orders did.
        at: Unix seconds.
    """

    kind: str
    number: str
    balance: int
    held: int
    at: int


@dataclass
class Bills:
    """
    Attributes:
        late: Days of which there is no bill yet, however long ago they were.
        lost: (kind, number) of what no bill lists.
        wrong: What a bill says that the balance became more, of (kind, number).
        repeated: How often a bill has each of its lines.
    """

    moved: list[Moved] = field(default_factory=list)
    late: set[date] = field(default_factory=set)
    lost: set[tuple[str, str]] = field(default_factory=set)
    wrong: dict[tuple[str, str], int] = field(default_factory=dict)
    repeated: int = 1

    def bill(self, day: date, now: int) -> dict[str, Any] | None:
        """What happened on *day* in Shanghai; none before it is over."""
        begin = datetime.combine(day, time(), ZONE).astimezone(UTC).timestamp()
        end = datetime.combine(day + timedelta(days=1), time(), ZONE).astimezone(UTC).timestamp()
        if now < end or day in self.late:
            return None
        of_day = [each for each in self.moved if begin <= each.at < end]
        opening = sum(each.balance for each in self.moved if each.at < begin)
        closing = opening + sum(each.balance for each in of_day)
        lines = [
            {**vars(each), "balance": self.wrong.get((each.kind, each.number), each.balance), "currency": CURRENCY}
            for each in of_day
            if (each.kind, each.number) not in self.lost
        ]
        return {
            "day": day.isoformat(),
            "lines": lines * self.repeated,
            "balances": [{"currency": CURRENCY, "opening": opening, "closing": closing}],
        }
