"""Amounts and times as people read them."""

from datetime import datetime
from typing import Any

from services.shared.kernel.money import Money
from services.shared.kernel.times import BUSINESS_ZONE
from services.shared.messages.orders.order import OrderView

_SIGNS = {"CNY": "¥", "EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}


def money(amount: Money, language: str) -> str:
    """*¥1,060.00* in Chinese, *CNY 1,060.00* in English: the sign alone could be yen."""
    text = str(amount)
    if language != "zh" or amount.currency == "JPY" or amount.currency not in _SIGNS:
        return text
    figure = text.partition(" ")[2]
    sign = _SIGNS[amount.currency]
    return f"-{sign}{figure[1:]}" if figure.startswith("-") else f"{sign}{figure}"


def when(instant: datetime | None, language: str) -> str:
    """Asia/Shanghai, to the minute; empty for none."""
    if instant is None:
        return ""
    local = instant.astimezone(BUSINESS_ZONE)
    return f"{local:%Y年%m月%d日 %H:%M}" if language == "zh" else f"{local:%d %b %Y, %H:%M}"


def amounts(view: OrderView) -> list[tuple[str, Any]]:
    """
    Key of the label and amount, for the side that looks.

    What the customer pays is theirs and the company's; a provider sees the net its own share comes of,
    a station the net its share of the fee comes of.
    """
    found = view.amounts
    if view.seen_as in {"provider", "station"}:
        return [("amount.net", found.net)]
    rows: list[tuple[str, Any]] = [("amount.net", found.net), ("amount.tax", found.tax), ("amount.gross", found.gross)]
    if found.discount.amount:
        rows.insert(0, ("amount.discount", -found.discount))
    return rows
