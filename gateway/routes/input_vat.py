"""Input VAT: what is not confirmed, confirmed for a filing period, transferred out."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway.answers import ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import input_vat as schemas
from services.shared.messages.billing import input_vat

router = APIRouter(prefix="/v1/input-vat", tags=["billing"])


@router.get("", response_model=schemas.InputVatPage)
def list_input_vat(caller: Signed, listed: Annotated[schemas.InputVatListed, Query()]) -> Response:
    """What is not confirmed yet, or what stands otherwise; oldest first."""
    asked = input_vat.ListInputVat(**dict(listed))
    return ok(schemas.InputVatPage.of(caller.ask(asked, input_vat.InputVatPage)))


@router.post("/confirm", response_model=schemas.InputVatPage)
def confirm_input_vat(
    caller: Signed, body: Annotated[schemas.InputVatToConfirm, Depends(JsonBody(schemas.InputVatToConfirm))]
) -> Response:
    """Deduct the tax of received invoices in a filing period whose books are open: all that are named, or none."""
    asked = input_vat.ConfirmInputVat(**dict(body))
    return ok(schemas.InputVatPage.of(caller.ask(asked, input_vat.InputVatPage)))


@router.get("/fees", response_model=schemas.FeeInputVatList)
def list_fee_input_vat(caller: Signed) -> Response:
    """Months of the payment institution's fees whose tax is not confirmed, oldest first."""
    return ok(schemas.FeeInputVatList.of(caller.ask(input_vat.ListFeeInputVat(), input_vat.FeeInputVatList)))


@router.post("/fees/confirm", response_model=schemas.InputVat)
def confirm_fee_input_vat(
    caller: Signed, body: Annotated[schemas.FeeInputVatToConfirm, Depends(JsonBody(schemas.FeeInputVatToConfirm))]
) -> Response:
    """The fees of a month that is over."""
    asked = input_vat.ConfirmFeeInputVat(**dict(body))
    return ok(schemas.InputVat.of(caller.ask(asked, input_vat.InputVatView)))


@router.post("/{input_vat_id}/transfer-out", response_model=schemas.InputVat)
def transfer_out_input_vat(
    caller: Signed,
    input_vat_id: UUID,
    body: Annotated[schemas.InputVatToTransferOut, Depends(JsonBody(schemas.InputVatToTransferOut))],
) -> Response:
    """It may not be deducted after all: by somebody else than who confirmed it, once."""
    asked = input_vat.TransferOutInputVat(input_vat_id=input_vat_id, **dict(body))
    return ok(schemas.InputVat.of(caller.ask(asked, input_vat.InputVatView)))
