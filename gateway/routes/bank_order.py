"""Telling the bank to pay released payouts, and taking in what it answers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import bank_order as schemas
from gateway.schemas.base import Listed
from gateway.schemas.work import DocumentLink
from services.shared.messages.billing import bank_order

router = APIRouter(prefix="/v1", tags=["billing"])


@router.post("/bank-orders", status_code=problems.CREATED, response_model=schemas.BankOrder)
def make_bank_order(
    caller: Signed, body: Annotated[schemas.BankOrderToMake, Depends(JsonBody(schemas.BankOrderToMake))]
) -> Response:
    """One file by which the bank is told to pay released payouts."""
    view = caller.ask(bank_order.MakeBankOrder(payout_ids=body.payout_ids), bank_order.BankOrderView)
    return created(schemas.BankOrder.of(view), "/v1/bank-orders")


@router.get("/bank-orders", response_model=schemas.BankOrderPage)
def list_bank_orders(caller: Signed, listed: Annotated[Listed, Query()]) -> Response:
    asked = bank_order.ListBankOrders(**dict(listed))
    return ok(schemas.BankOrderPage.of(caller.ask(asked, bank_order.BankOrderPage)))


@router.get("/bank-orders/{bank_order_id}/documents", response_model=DocumentLink)
def get_bank_order_document(caller: Signed, bank_order_id: UUID) -> Response:
    """The file for the bank."""
    asked = bank_order.GetBankOrderDocument(bank_order_id=bank_order_id)
    return ok(DocumentLink.of(caller.ask(asked, bank_order.BankOrderDocument)))


@router.post("/bank-orders/status-reports", response_model=schemas.StatusReport)
def read_status_report(
    caller: Signed, body: Annotated[schemas.StatusReportToRead, Depends(JsonBody(schemas.StatusReportToRead))]
) -> Response:
    """Read a pain.002 file of the bank; what it did not pay is payable again."""
    view = caller.ask(bank_order.ReadStatusReport(content=body.content), bank_order.StatusReportView)
    return ok(schemas.StatusReport.of(view))
