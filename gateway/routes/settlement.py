"""Statements of what providers and stations are owed."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway.answers import ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import settlement as schemas
from gateway.schemas.base import Listed
from gateway.schemas.work import DocumentLink
from services.shared.messages.billing import settlement

router = APIRouter(prefix="/v1", tags=["billing"])


@router.post("/settlements/close", response_model=schemas.SettlementPage)
def close_settlements(
    caller: Signed, body: Annotated[schemas.SettlementClosing, Depends(JsonBody(schemas.SettlementClosing))]
) -> Response:
    """One statement per provider and station over what was accepted and stands on none yet."""
    page = caller.ask(settlement.CloseSettlements(until=body.until), settlement.SettlementPage)
    return ok(schemas.SettlementPage.of(page))


@router.get("/settlements/preview", response_model=schemas.SettlementPreview)
def preview_settlements(caller: Signed, wanted: Annotated[schemas.SettlementsPreviewed, Query()]) -> Response:
    """What closing would state for each party, what corrections and claw-backs lower, and what is held."""
    asked = settlement.PreviewSettlements(until=wanted.until)
    return ok(schemas.SettlementPreview.of(caller.ask(asked, settlement.SettlementPreview)))


@router.get("/settlements", response_model=schemas.SettlementPage)
def list_settlements(caller: Signed, listed: Annotated[schemas.SettlementsListed, Query()]) -> Response:
    asked = settlement.ListSettlements(**dict(listed))
    return ok(schemas.SettlementPage.of(caller.ask(asked, settlement.SettlementPage)))


@router.get("/settlements/{settlement_id}", response_model=schemas.Settlement)
def get_settlement(caller: Signed, settlement_id: UUID) -> Response:
    asked = settlement.GetSettlement(settlement_id=settlement_id)
    return ok(schemas.Settlement.of(caller.ask(asked, settlement.SettlementView)))


@router.get("/settlements/{settlement_id}/lines", response_model=schemas.SettlementLinePage)
def list_settlement_lines(
    caller: Signed, settlement_id: UUID, listed: Annotated[schemas.SettlementLinesListed, Query()]
) -> Response:
    """The orders on a statement and the corrections, in the order of acceptance."""
    asked = settlement.ListSettlementLines(settlement_id=settlement_id, **dict(listed))
    return ok(schemas.SettlementLinePage.of(caller.ask(asked, settlement.SettlementLinePage)))


@router.get("/settlements/{settlement_id}/sales", response_model=schemas.SettlementSalePage)
def list_settlement_sales(caller: Signed, settlement_id: UUID, listed: Annotated[Listed, Query()]) -> Response:
    """What the provider sold itself until its statement: who has the customer's money, and the commission on it."""
    asked = settlement.ListSettlementSales(settlement_id=settlement_id, **dict(listed))
    return ok(schemas.SettlementSalePage.of(caller.ask(asked, settlement.SettlementSalePage)))


@router.get("/settlements/{settlement_id}/documents", response_model=DocumentLink)
def get_settlement_document(caller: Signed, settlement_id: UUID) -> Response:
    """The statement as a file."""
    asked = settlement.GetSettlementDocument(settlement_id=settlement_id)
    return ok(DocumentLink.of(caller.ask(asked, settlement.SettlementDocument)))


@router.get("/settlements/{settlement_id}/spreadsheet", response_model=DocumentLink)
def get_settlement_spreadsheet(caller: Signed, settlement_id: UUID) -> Response:
    """The statement as a spreadsheet (XLSX): amounts are numbers, texts compute nothing."""
    asked = settlement.GetSettlementDocument(settlement_id=settlement_id, form="xlsx")
    return ok(DocumentLink.of(caller.ask(asked, settlement.SettlementDocument)))
