"""Cash forecast: what the company's accounts will hold, day by day, by what is booked and agreed today."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Message, Query, View
from services.shared.messages.billing.commission_plan import FINANCE

ForecastKind = Literal[
    "receivable", "commission", "claim", "payment", "payout", "settlement", "refund", "credit_payback", "vat"
]
"""
*receivable*: invoiced and not paid, by its due date; without one before it is invoiced. *commission*: that a provider
which sold itself owes, by its due date, unless a statement is to keep it. *payment*: asked for before work begins; no
date. *claim*: approved, and not paid by its programme; no date. *payout*: started and not paid: today.
*settlement*: payable, when its hold period is over; before its invoice is there, by the day by which a small enterprise
must be paid, else without a date. *refund*: parts that go by bank or institution: today; while a red letter is awaited,
without a date. *credit_payback*: today; what a programme is to have back and nobody has asked for, without a date.
*vat*: what is payable, by the next filing day.
"""


class ForecastItem(Message):
    """
    One expected movement, minor units of *currency* above zero.

    Attributes:
        day: Asia/Shanghai. None: nobody can say yet; then it is in no day.
        overdue: Its day is over; it is expected today.
        reference: The order's, statement's, payout's or refund's number; of VAT the account.
    """

    kind: ForecastKind
    direction: Literal["in", "out"]
    currency: str
    amount: int
    day: date | None
    overdue: bool
    reference: str
    subject_id: UUID | None


class ForecastDay(Message):
    """Minor units. *closing*: what the accounts will hold at its end."""

    day: date
    expected_in: int
    expected_out: int
    closing: int


class CurrencyForecast(Message):
    """
    Minor units of *currency*.

    Attributes:
        opening: On the company's bank accounts, with the payment institution and the splitting channel; on its way
            between them included.
        overdue_in, overdue_out: Of today's figures what was expected earlier.
        undated_in, undated_out: Expected, and nobody can say when: in no day.
        later_in, later_out: Expected after the last day.
        days: Each from today on.
    """

    currency: str
    opening: int
    overdue_in: int
    overdue_out: int
    undated_in: int
    undated_out: int
    later_in: int
    later_out: int
    days: tuple[ForecastDay, ...]


class CashForecast(View):
    today: date
    currencies: tuple[CurrencyForecast, ...]


class GetCashForecast(Query):
    """→ CashForecast"""

    wire_name: ClassVar = "billing.get_cash_forecast"
    grants: ClassVar[Grants] = FINANCE

    days: Annotated[int, Field(ge=1, le=180)] = 30


class ForecastItems(View):
    """*more*: there are others than these, which are the largest."""

    items: tuple[ForecastItem, ...]
    more: bool


class ListForecastItems(Query):
    """What a day's figures are made of, the largest first; without *day*, what nobody can date. → ForecastItems"""

    wire_name: ClassVar = "billing.list_forecast_items"
    grants: ClassVar[Grants] = FINANCE

    day: date | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 200
