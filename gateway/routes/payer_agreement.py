"""Who pays for whom by agreement."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import payer_agreement as schemas
from services.shared.messages.billing import payer_agreement

router = APIRouter(prefix="/v1", tags=["billing"])


@router.post("/payer-agreements", status_code=problems.CREATED, response_model=schemas.PayerAgreement)
def record_payer_agreement(
    caller: Signed, body: Annotated[schemas.PayerAgreementToRecord, Depends(JsonBody(schemas.PayerAgreementToRecord))]
) -> Response:
    """Somebody else pays for a customer; what waits in suspense because of it is matched at once."""
    view = caller.ask(payer_agreement.RecordPayerAgreement(**dict(body)), payer_agreement.PayerAgreementView)
    return created(schemas.PayerAgreement.of(view), "/v1/payer-agreements")


@router.get("/payer-agreements", response_model=schemas.PayerAgreementPage)
def list_payer_agreements(caller: Signed, listed: Annotated[schemas.PayerAgreementsListed, Query()]) -> Response:
    asked = payer_agreement.ListPayerAgreements(**dict(listed))
    return ok(schemas.PayerAgreementPage.of(caller.ask(asked, payer_agreement.PayerAgreementPage)))
