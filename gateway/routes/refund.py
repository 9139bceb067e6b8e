"""Money that goes back: asked for by one, approved by another."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import Caller, JsonBody, Signed
from gateway.schemas import refund as schemas
from services.shared.messages.billing import refund

router = APIRouter(prefix="/v1", tags=["billing"])


def _refund(caller: Caller, view: refund.RefundView) -> schemas.CustomerRefund | schemas.OperatorRefund:
    own = caller.actor.organisation_id == view.customer_id
    return schemas.CustomerRefund.of(view) if own else schemas.OperatorRefund.of(view)


@router.post("/refunds", status_code=problems.CREATED, response_model=schemas.OperatorRefund)
def request_refund(
    caller: Signed, body: Annotated[schemas.RefundToRequest, Depends(JsonBody(schemas.RefundToRequest))]
) -> Response:
    """One person asks for it; another one approves it."""
    view = caller.ask(refund.RequestRefund(**dict(body)), refund.RefundView)
    return created(schemas.OperatorRefund.of(view), f"/v1/refunds/{view.refund_id}")


@router.post("/refunds/{refund_id}/approve", response_model=schemas.OperatorRefund)
def approve_refund(caller: Signed, refund_id: UUID) -> Response:
    """A request, or a transfer that waits for a second pair of eyes."""
    return ok(schemas.OperatorRefund.of(caller.ask(refund.ApproveRefund(refund_id=refund_id), refund.RefundView)))


@router.post("/refunds/{refund_id}/cancel", response_model=schemas.OperatorRefund)
def cancel_refund(caller: Signed, refund_id: UUID) -> Response:
    return ok(schemas.OperatorRefund.of(caller.ask(refund.CancelRefund(refund_id=refund_id), refund.RefundView)))


@router.post("/refunds/{refund_id}/reroute", response_model=schemas.OperatorRefund)
def reroute_refund(
    caller: Signed, refund_id: UUID,
    body: Annotated[schemas.RefundToReroute, Depends(JsonBody(schemas.RefundToReroute))],
) -> Response:  # fmt: skip
    """What failed, or waits to be approved, goes another way, once somebody else has approved that."""
    wanted = refund.RerouteRefund(refund_id=refund_id, route=body.route)
    return ok(schemas.OperatorRefund.of(caller.ask(wanted, refund.RefundView)))


@router.post("/refunds/{refund_id}/fail", response_model=schemas.OperatorRefund)
def fail_refund(
    caller: Signed, refund_id: UUID, body: Annotated[schemas.RefundToFail, Depends(JsonBody(schemas.RefundToFail))]
) -> Response:
    """The bank did not make a transfer of it; said by somebody else than who approved it."""
    wanted = refund.FailRefund(refund_id=refund_id, payment_id=body.payment_id, reason=body.reason)
    return ok(schemas.OperatorRefund.of(caller.ask(wanted, refund.RefundView)))


@router.post("/refunds/{refund_id}/waive-red-letter", response_model=schemas.OperatorRefund)
def waive_red_letter(caller: Signed, refund_id: UUID) -> Response:
    """Pay before the red-letter form is confirmed; takes two people."""
    return ok(schemas.OperatorRefund.of(caller.ask(refund.WaiveRedLetter(refund_id=refund_id), refund.RefundView)))


@router.get("/refunds", response_model=schemas.RefundPage)
def list_refunds(caller: Signed, listed: Annotated[schemas.RefundsListed, Query()]) -> Response:
    page = caller.ask(refund.ListRefunds(**dict(listed)), refund.RefundPage)
    items = tuple(_refund(caller, view) for view in page.items)
    return ok(schemas.RefundPage(items=items, next_cursor=page.next_cursor))


@router.get("/refunds/{refund_id}", response_model=schemas.OperatorRefund | schemas.CustomerRefund)
def get_refund(caller: Signed, refund_id: UUID) -> Response:
    return ok(_refund(caller, caller.ask(refund.GetRefund(refund_id=refund_id), refund.RefundView)))


@router.get("/refunds/{refund_id}/documents", response_model=schemas.RefundDocuments)
def get_refund_documents(caller: Signed, refund_id: UUID) -> Response:
    """The files by which the bank is told of the transfers."""
    asked = refund.GetRefundDocuments(refund_id=refund_id)
    return ok(schemas.RefundDocuments.of(caller.ask(asked, refund.RefundDocuments)))
