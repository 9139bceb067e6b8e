"""Who pays for whom by agreement."""

from typing import Annotated
from uuid import UUID

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
    """Somebody else pays for a customer, once another person confirms it."""
    view = caller.ask(payer_agreement.RecordPayerAgreement(**dict(body)), payer_agreement.PayerAgreementView)
    return created(schemas.PayerAgreement.of(view), "/v1/payer-agreements")


@router.post("/payer-agreements/{payer_agreement_id}/confirm", response_model=schemas.PayerAgreement)
def confirm_payer_agreement(caller: Signed, payer_agreement_id: UUID) -> Response:
    """By somebody else than who recorded it; what waits in suspense because of it is matched at once."""
    asked = payer_agreement.ConfirmPayerAgreement(payer_agreement_id=payer_agreement_id)
    return ok(schemas.PayerAgreement.of(caller.ask(asked, payer_agreement.PayerAgreementView)))


@router.post("/payer-agreements/{payer_agreement_id}/refuse", response_model=schemas.PayerAgreement)
def refuse_payer_agreement(caller: Signed, payer_agreement_id: UUID) -> Response:
    """By anybody of finance, who recorded it too."""
    asked = payer_agreement.RefusePayerAgreement(payer_agreement_id=payer_agreement_id)
    return ok(schemas.PayerAgreement.of(caller.ask(asked, payer_agreement.PayerAgreementView)))


@router.post("/payer-agreements/{payer_agreement_id}/end", response_model=schemas.PayerAgreement)
def end_payer_agreement(
    caller: Signed,
    payer_agreement_id: UUID,
    body: Annotated[schemas.PayerAgreementToEnd, Depends(JsonBody(schemas.PayerAgreementToEnd))],
) -> Response:
    """It holds to the end of that day; what it has matched stays matched."""
    asked = payer_agreement.EndPayerAgreement(payer_agreement_id=payer_agreement_id, last_day=body.last_day)
    return ok(schemas.PayerAgreement.of(caller.ask(asked, payer_agreement.PayerAgreementView)))


@router.get("/payer-agreements", response_model=schemas.PayerAgreementPage)
def list_payer_agreements(caller: Signed, listed: Annotated[schemas.PayerAgreementsListed, Query()]) -> Response:
    asked = payer_agreement.ListPayerAgreements(**dict(listed))
    return ok(schemas.PayerAgreementPage.of(caller.ask(asked, payer_agreement.PayerAgreementPage)))
