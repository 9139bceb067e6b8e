"""Card payments that the customer's bank takes back, and what we answer."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway.answers import ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import chargeback as schemas
from services.shared.messages.billing import chargeback

router = APIRouter(prefix="/v1", tags=["billing"])


@router.get("/chargebacks", response_model=schemas.ChargebackPage)
def list_chargebacks(caller: Signed, listed: Annotated[schemas.ChargebacksListed, Query()]) -> Response:
    page = caller.ask(chargeback.ListChargebacks(**dict(listed)), chargeback.ChargebackPage)
    return ok(schemas.ChargebackPage.of(page))


@router.get("/chargebacks/{chargeback_id}", response_model=schemas.Chargeback)
def get_chargeback(caller: Signed, chargeback_id: UUID) -> Response:
    asked = chargeback.GetChargeback(chargeback_id=chargeback_id)
    return ok(schemas.Chargeback.of(caller.ask(asked, chargeback.ChargebackView)))


@router.post("/chargebacks/{chargeback_id}/evidence", response_model=schemas.Chargeback)
def submit_evidence(
    caller: Signed,
    chargeback_id: UUID,
    body: Annotated[schemas.EvidenceToSubmit, Depends(JsonBody(schemas.EvidenceToSubmit))],
) -> Response:
    """What is written goes to the payment institution at once, and with *submit* to the bank."""
    command = chargeback.SubmitChargebackEvidence(
        chargeback_id=chargeback_id,
        evidence=tuple(chargeback.Evidence(name=each.name, text=each.text) for each in body.evidence),
        submit=body.submit,
    )
    return ok(schemas.Chargeback.of(caller.ask(command, chargeback.ChargebackView)))
