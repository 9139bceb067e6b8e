"""What orders have brought in and cost, and where their money is."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from gateway.answers import ok
from gateway.calls import Caller, Signed
from gateway.exports import cell, sheet_of
from gateway.schemas import margin as schemas
from services.shared.messages.billing import margin

router = APIRouter(prefix="/v1", tags=["billing"])

_OF_ORDER = (
    "order_number", "order_id", "customer_id", "provider_id", "station_id", "collection_model", "state",
    "contracted_at", "accepted_at", "unpaid_due_on", "overdue_days",
)  # fmt: skip
_FIGURES = tuple(schemas.MarginFigures.model_fields)
_COLUMNS = (*_OF_ORDER, "invoices_missing", *_FIGURES)
_ROWS_AT_ONCE = 500


@router.get("/orders/{order_id}/margin", response_model=schemas.OrderMargin)
def get_order_margin(caller: Signed, order_id: UUID) -> Response:
    """Sell, buy, station, fees, VAT and cash of one order; what is unpaid and which invoice is missing."""
    return ok(schemas.OrderMargin.of(caller.ask(margin.GetOrderMargin(order_id=order_id), margin.OrderMargin)))


@router.get("/margins", response_model=schemas.MarginPage)
def list_margins(caller: Signed, listed: Annotated[schemas.ListedMargins, Query()]) -> Response:
    """Orders with their margins, newest contract first."""
    asked = margin.ListMargins(**listed.fields())
    return ok(schemas.MarginPage.of(caller.ask(asked, margin.MarginPage)))


@router.get("/exports/margins.csv", response_class=Response)
def export_margins(caller: Signed, selected: Annotated[schemas.MarginsSelected, Query()]) -> Response:
    """Likewise as CSV, a row for each order; amounts in minor units."""
    return sheet_of(
        lambda after: _page(caller, selected, after), lambda page: map(_row, page.items), _COLUMNS, "margins.csv"
    )


def _page(caller: Caller, selected: schemas.MarginsSelected, after: str | None) -> margin.MarginPage:
    asked = margin.ListMargins(**dict(selected), totals=False, after=after, limit=_ROWS_AT_ONCE)
    return caller.ask(asked, margin.MarginPage)


def _row(item: margin.OrderMargin) -> list[str]:
    shown: dict[str, Any] = schemas.OrderMargin.of(item).model_dump(mode="json")
    return [
        *(cell(shown[name]) for name in _OF_ORDER),
        " ".join(shown["invoices_missing"]),
        *(cell(shown["figures"][name]) for name in _FIGURES),
    ]
