"""How figures, rates, days and instants are written on paper: exact, from integers, never through a float."""

from datetime import date, datetime

import cn2an

from services.shared.kernel.money import Money
from services.shared.kernel.times import BUSINESS_ZONE


def figure(money: Money) -> str:
    """*1,060.00*, *-12*, *0.125*: grouped, as many decimals as the currency has, no currency code."""
    return _decimal(money, "{:,}")


def decimal(money: Money) -> str:
    """*1060.00*: the same without grouping, for machines."""
    return _decimal(money, "{}")


def percent(rate_bps: int) -> str:
    """*6*, *12.5*, *0.25*: basis points as a percentage, without the sign and without idle zeros."""
    whole, rest = divmod(rate_bps, 100)
    return str(whole) + (f".{rest:02d}".rstrip("0") if rest else "")


def capitals(money: Money) -> str:
    """
    *壹仟零陆拾元整*: the amount in the numerals that cannot be altered, as Chinese contracts require.

    Empty for other currencies than CNY, for which the form is not defined.
    """
    if money.currency != "CNY":
        return ""
    sign = "负" if money.amount < 0 else ""
    # Given text, cn2an works on the digits and never rounds.
    return sign + str(cn2an.an2cn(decimal(Money(abs(money.amount), "CNY")), "rmb"))


def day(value: date | None) -> str:
    """*2026-11-23*; a dash for none."""
    return value.isoformat() if value is not None else "—"


def moment(instant: datetime) -> str:
    """*2026-11-23 14:51:33 UTC+8*: an aware instant on the operating company's wall."""
    return instant.astimezone(BUSINESS_ZONE).strftime("%Y-%m-%d %H:%M:%S UTC+8")


def _decimal(money: Money, whole_format: str) -> str:
    whole, rest = divmod(abs(money.amount), 10**money.exponent)
    sign = "-" if money.amount < 0 else ""
    return sign + whole_format.format(whole) + (f".{rest:0{money.exponent}d}" if money.exponent else "")
