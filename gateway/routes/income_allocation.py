"""How a provider divides its income among its colleges and instrument teams; nobody else sees it."""

from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import Caller, JsonBody, Signed
from gateway.exports import cell, sheet_of
from gateway.schemas import income_allocation as schemas
from gateway.schemas.base import Listed
from services.shared.kernel.times import business_date
from services.shared.messages.billing import income_allocation

router = APIRouter(prefix="/v1", tags=["billing"])

_COLUMNS = ("order_number", "accepted_on", "title", "kind", "college", "team", "currency", "net", "tax", "gross")
_LINES_AT_ONCE = 500


@router.post("/income-allocations", status_code=problems.CREATED, response_model=schemas.IncomeAllocation)
def set_income_allocation(
    caller: Signed,
    body: Annotated[schemas.IncomeAllocationToSet, Depends(JsonBody(schemas.IncomeAllocationToSet))],
) -> Response:
    """Whose the income is by one offering, or by all work that no other rule is for, from a day on."""
    asked = income_allocation.SetIncomeAllocation(**body.model_dump())
    view = caller.ask(asked, income_allocation.IncomeAllocationView)
    return created(schemas.IncomeAllocation.of(view), "/v1/income-allocations")


@router.get("/income-allocations", response_model=schemas.IncomeAllocationPage)
def list_income_allocations(caller: Signed, listed: Annotated[Listed, Query()]) -> Response:
    """One's own rules, newest first."""
    asked = income_allocation.ListIncomeAllocations(**listed.fields())
    return ok(schemas.IncomeAllocationPage.of(caller.ask(asked, income_allocation.IncomeAllocationPage)))


@router.get("/settlements/{settlement_id}/income-allocation", response_model=schemas.AllocatedIncomePage)
def list_allocated_income(caller: Signed, settlement_id: UUID, listed: Annotated[Listed, Query()]) -> Response:
    """Whose the lines of a statement are, by the rules that stand now."""
    asked = income_allocation.ListAllocatedIncome(settlement_id=settlement_id, **listed.fields())
    return ok(schemas.AllocatedIncomePage.of(caller.ask(asked, income_allocation.AllocatedIncomePage)))


@router.get("/exports/allocated-income.csv", response_class=Response)
def export_allocated_income(caller: Signed, selected: Annotated[schemas.AllocatedIncomeExported, Query()]) -> Response:
    """Likewise as CSV, a row for each line and unit; amounts in minor units."""
    return sheet_of(lambda after: _page(caller, selected, after), _rows, _COLUMNS, "allocated-income.csv")


def _page(
    caller: Caller, selected: schemas.AllocatedIncomeExported, after: str | None
) -> income_allocation.AllocatedIncomePage:
    asked = income_allocation.ListAllocatedIncome(**dict(selected), totals=False, after=after, limit=_LINES_AT_ONCE)
    return caller.ask(asked, income_allocation.AllocatedIncomePage)


def _rows(page: income_allocation.AllocatedIncomePage) -> Iterator[list[str]]:
    for line in page.items:
        head = [line.order_number, business_date(line.accepted_at), line.title, line.kind]
        for part in line.parts:
            money = [part.net.currency, part.net.amount, part.tax.amount, part.gross.amount]
            yield [cell(each) for each in (*head, part.college, part.team, *money)]
