"""Closing the books of a month."""

from fastapi import APIRouter, Response

from gateway.answers import ok
from gateway.calls import Signed
from gateway.schemas import period as schemas
from services.shared.messages.billing import period
from services.shared.messages.billing.period import PeriodName

router = APIRouter(prefix="/v1", tags=["billing"])


@router.get("/ledger/periods", response_model=schemas.PeriodPage)
def list_periods(caller: Signed) -> Response:
    """Those that are closed, newest first."""
    return ok(schemas.PeriodPage.of(caller.ask(period.ListPeriods(), period.PeriodPage)))


@router.post("/ledger/periods/{name}/close", response_model=schemas.Period)
def close_period(caller: Signed, name: PeriodName) -> Response:
    """For good: what becomes known later is booked in the next month and keeps its business date."""
    return ok(schemas.Period.of(caller.ask(period.ClosePeriod(period=name), period.PeriodView)))
