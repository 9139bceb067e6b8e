"""The cash forecast, to the operating company's finance."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from gateway.schemas.base import Asked, Shown
from services.shared.messages.billing.cash_forecast import ForecastKind


class ForecastWanted(Asked):
    days: Annotated[int, Field(ge=1, le=180, description="from today on, Asia/Shanghai")] = 30


class ForecastItemsWanted(Asked):
    day: Annotated[date | None, Field(description="default: what nobody can date")] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 200


class ForecastDay(Shown):
    """Minor units. *closing*: what the accounts will hold at its end."""

    day: date
    expected_in: int
    expected_out: int
    closing: int


class CurrencyForecast(Shown):
    """Minor units of *currency*. Overdue is part of today; undated and later are in no day."""

    currency: str
    opening: int
    overdue_in: int
    overdue_out: int
    undated_in: int
    undated_out: int
    later_in: int
    later_out: int
    days: tuple[ForecastDay, ...]


class CashForecast(Shown):
    today: date
    currencies: tuple[CurrencyForecast, ...]


class ForecastItem(Shown):
    """One expected movement, minor units above zero; *day*: none, where nobody can say yet."""

    kind: ForecastKind
    direction: Literal["in", "out"]
    currency: str
    amount: int
    day: date | None
    overdue: bool
    reference: str
    subject_id: UUID | None


class ForecastItems(Shown):
    """The largest first; *more*: there are others."""

    items: tuple[ForecastItem, ...]
    more: bool
