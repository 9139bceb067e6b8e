"""What Stripe and the bank say of our money, set beside the ledger."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import Caller, JsonBody, Signed
from gateway.exports import cell, sheet_of
from gateway.schemas import reconciliation as schemas
from gateway.schemas.base import Listed
from services.shared.messages.billing import reconciliation

router = APIRouter(prefix="/v1", tags=["billing"])

_COLUMNS = (
    "item_id", "kind", "reference", "state", "currency", "ours", "theirs", "occurred_at", "first_seen_at", "age_days",
    "overdue", "detail",
)  # fmt: skip
_ROWS_AT_ONCE = 1_000


@router.post("/reconciliations", status_code=problems.CREATED, response_model=schemas.Reconciliation)
def start_reconciliation(
    caller: Signed, body: Annotated[schemas.ReconciliationToStart, Depends(JsonBody(schemas.ReconciliationToStart))]
) -> Response:
    """Compare a source once more; that of Stripe runs until its books are listed. Earlier runs stay."""
    view = caller.ask(reconciliation.StartReconciliation(**dict(body)), reconciliation.ReconciliationView)
    return created(schemas.Reconciliation.of(view), f"/v1/reconciliations/{view.run_id}")


@router.get("/reconciliations", response_model=schemas.ReconciliationPage)
def list_reconciliations(caller: Signed, listed: Annotated[schemas.ListedReconciliations, Query()]) -> Response:
    """Newest first."""
    asked = reconciliation.ListReconciliations(**listed.fields())
    return ok(schemas.ReconciliationPage.of(caller.ask(asked, reconciliation.ReconciliationPage)))


@router.get("/reconciliations/{run_id}", response_model=schemas.Reconciliation)
def get_reconciliation(caller: Signed, run_id: UUID) -> Response:
    asked = reconciliation.GetReconciliation(run_id=run_id)
    return ok(schemas.Reconciliation.of(caller.ask(asked, reconciliation.ReconciliationView)))


@router.get("/reconciliations/{run_id}/items", response_model=schemas.ReconciliationItemPage)
def list_reconciliation_items(caller: Signed, run_id: UUID, listed: Annotated[Listed, Query()]) -> Response:
    """What is not in order, oldest first."""
    return ok(schemas.ReconciliationItemPage.of(_page(caller, run_id, listed.after, listed.limit)))


@router.get("/reconciliations/{run_id}/items.csv", response_class=Response)
def export_reconciliation_items(caller: Signed, run_id: UUID) -> Response:
    """Likewise as CSV; amounts in minor units."""
    return sheet_of(
        lambda after: _page(caller, run_id, after, _ROWS_AT_ONCE), lambda page: map(_row, page.items), _COLUMNS,
        f"reconciliation-{run_id}.csv",
    )  # fmt: skip


def _page(caller: Caller, run_id: UUID, after: str | None, limit: int) -> reconciliation.ReconciliationItemPage:
    asked = reconciliation.ListReconciliationItems(run_id=run_id, after=after, limit=limit)
    return caller.ask(asked, reconciliation.ReconciliationItemPage)


def _row(item: reconciliation.ReconciliationItem) -> list[str]:
    shown = schemas.ReconciliationItem.of(item).model_dump(mode="json")
    return [cell(shown[name]) for name in _COLUMNS]
