"""What the company's accounts will hold, day by day."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from gateway.answers import ok
from gateway.calls import Signed
from gateway.schemas import cash_forecast as schemas
from services.shared.messages.billing import cash_forecast

router = APIRouter(prefix="/v1", tags=["billing"])


@router.get("/cash-forecast", response_model=schemas.CashForecast)
def get_cash_forecast(caller: Signed, wanted: Annotated[schemas.ForecastWanted, Query()]) -> Response:
    """By what is booked and agreed today: money in and out of each day, what is overdue, what nobody can date."""
    asked = cash_forecast.GetCashForecast(days=wanted.days)
    return ok(schemas.CashForecast.of(caller.ask(asked, cash_forecast.CashForecast)))


@router.get("/cash-forecast/items", response_model=schemas.ForecastItems)
def list_forecast_items(caller: Signed, wanted: Annotated[schemas.ForecastItemsWanted, Query()]) -> Response:
    """What a day's figures are made of, the largest first."""
    asked = cash_forecast.ListForecastItems(day=wanted.day, limit=wanted.limit)
    return ok(schemas.ForecastItems.of(caller.ask(asked, cash_forecast.ForecastItems)))
