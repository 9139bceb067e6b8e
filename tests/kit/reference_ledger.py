"""
A ledger as one would write it on an afternoon: a list, read from its beginning for every question.

It shares no code with billing. What both are asked alike, they must answer alike.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

Line = tuple[str, str, int, str]
"""Account, D or C, minor units above zero, currency."""

NEVER_BELOW_ZERO = (
    "L:contract", "L:customer_credit", "L:provider", "L:station", "L:payout_transit", "L:voucher_fund", "L:refund",
)  # fmt: skip


@dataclass
class Booked:
    key: str
    lines: tuple[Line, ...]
    counts_at: datetime
    known_at: datetime
    reverses: str = ""


@dataclass
class ReferenceLedger:
    booked: list[Booked] = field(default_factory=list)
    closed_until: datetime | None = None

    def post(self, facts: Sequence[tuple[str, Sequence[Line], datetime]], now: datetime, reverses: str = "") -> str:
        """All of *facts* (key, lines, when) or none: `booked`, `again` (all were there), `otherwise`, `overdrawn`."""
        there = {each.key: each for each in self.booked}
        new = []
        for key, lines, at in facts:
            if key in there:
                if there[key].lines != tuple(lines):
                    return "otherwise"
                continue
            counts_at = at if self.closed_until is None else max(at, self.closed_until)
            new.append(Booked(key, tuple(lines), counts_at, now, reverses))
        stands = self.stands(None, None)
        for each in new:
            for account, side, amount, currency in each.lines:
                stands[account, currency] += amount if side == "D" else -amount
        touched = {(line[0], line[3]) for each in new for line in each.lines}
        if any(stands[place] > 0 and place[0].startswith(NEVER_BELOW_ZERO) for place in touched):
            return "overdrawn"
        self.booked += new
        return "booked" if new else "again"

    def reverse(self, key: str, at: datetime, now: datetime) -> str:
        """As `post`; besides `reversal` (never taken back) and `reversed` (once only)."""
        taken_back = next(each for each in self.booked if each.key == key)
        if taken_back.reverses:
            return "reversal"
        if any(each.reverses == key for each in self.booked):
            return "reversed"
        lines = [(account, "C" if side == "D" else "D", *rest) for account, side, *rest in taken_back.lines]
        return self.post([(f"reversal of {key}", lines, at)], now, reverses=key)  # type: ignore[list-item]

    def close(self, until: datetime, now: datetime) -> None:
        """
        What counts before *until*: the tax office gets output VAT less confirmed input VAT, where that is more than
        nothing; else both are carried on. From then on nothing counts before.
        """
        stands = self.stands(until, None)
        for currency in sorted({currency for _, currency in stands}):
            output, paid = -stands["L:vat:output", currency], stands["A:vat:input", currency]
            if output <= 0 and output <= paid:
                continue
            used = min(output, paid)
            moves = [("L:vat:output", output), ("A:vat:input", -used), ("L:vat:payable", used - output)]
            lines = [(account, "D" if by > 0 else "C", abs(by), currency) for account, by in moves if by]
            self.post([(f"vat {until} {currency}", lines, until - timedelta(microseconds=1))], now)
        self.closed_until = until

    def stands(self, until: datetime | None, known_at: datetime | None) -> defaultdict[tuple[str, str], int]:
        """Debit less credit by account and currency: of what counts before *until* and was known at *known_at*."""
        found: defaultdict[tuple[str, str], int] = defaultdict(int)
        for each in self.booked:
            if (until is None or each.counts_at < until) and (known_at is None or each.known_at <= known_at):
                for account, side, amount, currency in each.lines:
                    found[account, currency] += amount if side == "D" else -amount
        return found
