"""Vouchers: granted, put on orders, taken off again."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import voucher as schemas
from services.shared.messages.billing import voucher

router = APIRouter(prefix="/v1", tags=["billing"])


@router.post("/vouchers", status_code=problems.CREATED, response_model=schemas.Voucher)
def grant_voucher(
    caller: Signed, body: Annotated[schemas.VoucherToGrant, Depends(JsonBody(schemas.VoucherToGrant))]
) -> Response:
    """Above the programme's limit it is proposed until a second person approves."""
    view = caller.ask(voucher.GrantVoucher(**dict(body)), voucher.VoucherView)
    return created(schemas.Voucher.of(view), f"/v1/vouchers/{view.voucher_id}")


@router.post("/vouchers/estimate", response_model=schemas.VoucherEstimate)
def estimate_voucher(
    caller: Signed, body: Annotated[schemas.VoucherToEstimate, Depends(JsonBody(schemas.VoucherToEstimate))]
) -> Response:
    """What a voucher would pay, with the result of every rule. Changes nothing and needs no key."""
    query = voucher.EstimateVoucher(**dict(body))
    return ok(schemas.VoucherEstimate.of(caller.ask(query, voucher.VoucherEstimate)))


@router.get("/vouchers", response_model=schemas.VoucherPage)
def list_vouchers(caller: Signed, listed: Annotated[schemas.VouchersListed, Query()]) -> Response:
    query = voucher.ListVouchers(**dict(listed))
    return ok(schemas.VoucherPage.of(caller.ask(query, voucher.VoucherPage)))


@router.get("/vouchers/{voucher_id}", response_model=schemas.Voucher)
def get_voucher(caller: Signed, voucher_id: UUID) -> Response:
    query = voucher.GetVoucher(voucher_id=voucher_id)
    return ok(schemas.Voucher.of(caller.ask(query, voucher.VoucherView)))


@router.post("/vouchers/{voucher_id}/approve", response_model=schemas.Voucher)
def approve_voucher(caller: Signed, voucher_id: UUID) -> Response:
    """A second person grants it."""
    command = voucher.ApproveVoucher(voucher_id=voucher_id)
    return ok(schemas.Voucher.of(caller.ask(command, voucher.VoucherView)))


@router.post("/vouchers/{voucher_id}/revoke", response_model=schemas.Voucher)
def revoke_voucher(
    caller: Signed,
    voucher_id: UUID,
    body: Annotated[schemas.VoucherRevocation, Depends(JsonBody(schemas.VoucherRevocation))],
) -> Response:
    """What is reserved returns; what signed contracts count on stays."""
    command = voucher.RevokeVoucher(voucher_id=voucher_id, reason=body.reason)
    return ok(schemas.Voucher.of(caller.ask(command, voucher.VoucherView)))


@router.post("/vouchers/{voucher_id}/reserve", response_model=schemas.VoucherUse)
def reserve_voucher(
    caller: Signed,
    voucher_id: UUID,
    body: Annotated[schemas.OrderForVoucher, Depends(JsonBody(schemas.OrderForVoucher))],
) -> Response:
    """Put it on an order that is placed and not signed."""
    command = voucher.ReserveVoucher(voucher_id=voucher_id, order_id=body.order_id)
    return ok(schemas.VoucherUse.of(caller.ask(command, voucher.VoucherUseView)))


@router.post("/vouchers/{voucher_id}/withdraw", response_model=schemas.VoucherUse)
def withdraw_voucher(
    caller: Signed,
    voucher_id: UUID,
    body: Annotated[schemas.OrderForVoucher, Depends(JsonBody(schemas.OrderForVoucher))],
) -> Response:
    """Take it off an order that is not signed."""
    command = voucher.WithdrawVoucher(voucher_id=voucher_id, order_id=body.order_id)
    return ok(schemas.VoucherUse.of(caller.ask(command, voucher.VoucherUseView)))
