"""
A period: a business month (Asia/Shanghai) whose books can be closed. What happened in it and becomes known later is
booked at the first instant after it and keeps the time when it happened. A closed period is never opened again.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.billing.domain import ledger
from services.billing.domain.ledger import Entry
from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.money import Money
from services.shared.kernel.times import business_date, end_of_business_day

_PERIOD = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


class PeriodUnknown(Invalid):
    """A period is a month, like 2026-11."""

    code = "billing.period_unknown"


class PeriodNotOver(Conflict):
    """The month is not over."""

    code = "billing.period_not_over"


class PeriodClosedAlready(Conflict):
    """The books of this month are closed."""

    code = "billing.period_closed"


class EarlierPeriodOpen(Conflict):
    """Months are closed one after the other."""

    code = "billing.earlier_period_open"


class PeriodHasOpenItems(Conflict):
    """Something of this month is not decided yet."""

    code = "billing.period_has_open_items"


class BooksDoNotHold(Conflict):
    """An invariant of the ledger does not hold; nothing is closed until a person has looked."""

    code = "billing.books_do_not_hold"


@dataclass(frozen=True, slots=True)
class Period:
    """*until*: the first instant after it, UTC."""

    name: str
    until: datetime

    @property
    def last_instant(self) -> datetime:
        return self.until - timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class ClosedPeriod:
    """
    Attributes:
        block: The last block of the ledger's chain at that time, or none where nothing was ever posted.
        trial_balance_sha256: Over `account/currency/debit less credit` of every account that was not even, a line
            each, by name.
    """

    name: str
    until: datetime
    closed_at: datetime
    closed_by: str
    trial_balance_sha256: str
    block: int | None


def period_of(name: str) -> Period:
    """Raises PeriodUnknown."""
    found = _PERIOD.fullmatch(name)
    if found is None or found[1] == "0000":
        raise PeriodUnknown
    year, month = int(found[1]), int(found[2])
    first_after = date(year + month // 12, month % 12 + 1, 1) if (year, month) < (9999, 12) else date.max
    return Period(name, end_of_business_day(first_after - timedelta(days=1)))


def check_order(period: Period, last_until: datetime | None, now: datetime) -> None:
    """
    Whether *period* is the next to be closed after the one that ended at *last_until*; the first one may be any.

    Raises:
        PeriodNotOver, PeriodClosedAlready, EarlierPeriodOpen: See there.
    """
    if period.until > now:
        raise PeriodNotOver
    if last_until is None:
        return
    if period.until <= last_until:
        raise PeriodClosedAlready
    following = f"{business_date(last_until):%Y-%m}"
    if period.name != following:
        raise EarlierPeriodOpen(period=following)


def vat_month_end(output: Money, input_: Money) -> tuple[Entry, ...]:
    """
    Output VAT of the month against confirmed input VAT; the rest is payable. More input than output is carried on.

    Input below zero is what was deducted in an earlier month and went back since: it is payable with the output.
    Output below zero is set off against that, and carried on where it is more.

    Source: trade.md §6, month end.
    """
    due = output - input_
    if output.amount <= 0 and due.amount <= 0:
        return ()
    used = Money(min(output.amount, input_.amount), output.currency)
    return (
        *_credit_or_debit(ledger.OUTPUT_VAT, -output),
        *_credit_or_debit(ledger.INPUT_VAT, used),
        *ledger.entries(("C", ledger.VAT_PAYABLE, output - used)),
    )


def _credit_or_debit(account: str, amount: Money) -> tuple[Entry, ...]:
    """*account* credited by *amount*, or debited where that is below zero."""
    return ledger.entries(("C", account, amount) if amount.amount > 0 else ("D", account, -amount))
