"""Card payments that the customer's bank takes back, and what we answer."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response

from gateway.answers import ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import chargeback as schemas
from gateway.schemas.referral import EvidenceDocument
from services.shared.messages.billing import chargeback, referral

FileName = Annotated[str, Path(pattern="^[a-z_]{1,64}$")]

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


@router.post("/chargebacks/{chargeback_id}/files", response_model=schemas.Chargeback)
def declare_file(
    caller: Signed,
    chargeback_id: UUID,
    body: Annotated[schemas.FileToDeclare, Depends(JsonBody(schemas.FileToDeclare))],
) -> Response:
    """The answer says where to put it; then it is submitted."""
    command = chargeback.DeclareChargebackFile(chargeback_id=chargeback_id, **dict(body))
    return ok(schemas.Chargeback.of(caller.ask(command, chargeback.ChargebackView)))


@router.post("/chargebacks/{chargeback_id}/files/{name}/submit", response_model=schemas.Chargeback)
def submit_file(caller: Signed, chargeback_id: UUID, name: FileName) -> Response:
    """It is uploaded: it is looked at, kept and given to the payment institution."""
    command = chargeback.SubmitChargebackFile(chargeback_id=chargeback_id, name=name)
    return ok(schemas.Chargeback.of(caller.ask(command, chargeback.ChargebackView)))


@router.get("/chargebacks/{chargeback_id}/files/{name}", response_model=EvidenceDocument)
def get_file(caller: Signed, chargeback_id: UUID, name: FileName) -> Response:
    asked = chargeback.GetChargebackFile(chargeback_id=chargeback_id, name=name)
    return ok(EvidenceDocument.of(caller.ask(asked, referral.EvidenceDocument)))
