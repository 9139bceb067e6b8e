"""Customers' credit, and what programmes are to have back, paid back: asked for by one, let go by another."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import credit_payback as schemas
from gateway.schemas.work import DocumentLink
from services.shared.messages.billing import credit_payback
from services.shared.messages.billing.bank_order import BankOrderDocument

router = APIRouter(prefix="/v1/credit-paybacks", tags=["billing"])


@router.post("", status_code=problems.CREATED, response_model=schemas.CreditPayback)
def request_credit_payback(
    caller: Signed, body: Annotated[schemas.CreditPaybackToRequest, Depends(JsonBody(schemas.CreditPaybackToRequest))]
) -> Response:
    """One person asks for it; another one lets it go."""
    view = caller.ask(credit_payback.RequestCreditPayback(**dict(body)), credit_payback.CreditPaybackView)
    return created(schemas.CreditPayback.of(view), "/v1/credit-paybacks")


@router.post("/to-programmes", status_code=problems.CREATED, response_model=schemas.CreditPayback)
def request_programme_payback(
    caller: Signed,
    body: Annotated[schemas.ProgrammePaybackToRequest, Depends(JsonBody(schemas.ProgrammePaybackToRequest))],
) -> Response:
    """What an authority is to have back, because of refunds or of a fund not spent; then as a customer's credit."""
    view = caller.ask(credit_payback.RequestProgrammePayback(**dict(body)), credit_payback.CreditPaybackView)
    return created(schemas.CreditPayback.of(view), "/v1/credit-paybacks")


@router.get("/to-programmes", response_model=schemas.OwedToProgrammes)
def list_owed_to_programmes(caller: Signed) -> Response:
    """What programmes are to have back and the bank has not been told to pay; oldest first. Authorities see theirs."""
    asked = credit_payback.ListOwedToProgrammes()
    return ok(schemas.OwedToProgrammes.of(caller.ask(asked, credit_payback.OwedToProgrammes)))


@router.post("/{credit_payback_id}/approve", response_model=schemas.CreditPayback)
def approve_credit_payback(caller: Signed, credit_payback_id: UUID) -> Response:
    """No order is paid with it any more, and the bank is told."""
    asked = credit_payback.ApproveCreditPayback(credit_payback_id=credit_payback_id)
    return ok(schemas.CreditPayback.of(caller.ask(asked, credit_payback.CreditPaybackView)))


@router.post("/{credit_payback_id}/cancel", response_model=schemas.CreditPayback)
def cancel_credit_payback(caller: Signed, credit_payback_id: UUID) -> Response:
    """While the bank has not been told."""
    asked = credit_payback.CancelCreditPayback(credit_payback_id=credit_payback_id)
    return ok(schemas.CreditPayback.of(caller.ask(asked, credit_payback.CreditPaybackView)))


@router.post("/{credit_payback_id}/fail", response_model=schemas.CreditPayback)
def fail_credit_payback(
    caller: Signed,
    credit_payback_id: UUID,
    body: Annotated[schemas.CreditPaybackToFail, Depends(JsonBody(schemas.CreditPaybackToFail))],
) -> Response:
    """The bank did not make it; said by somebody else than who let it go."""
    asked = credit_payback.FailCreditPayback(credit_payback_id=credit_payback_id, reason=body.reason)
    return ok(schemas.CreditPayback.of(caller.ask(asked, credit_payback.CreditPaybackView)))


@router.get("", response_model=schemas.CreditPaybackPage)
def list_credit_paybacks(caller: Signed, listed: Annotated[schemas.CreditPaybacksListed, Query()]) -> Response:
    asked = credit_payback.ListCreditPaybacks(**dict(listed))
    return ok(schemas.CreditPaybackPage.of(caller.ask(asked, credit_payback.CreditPaybackPage)))


@router.get("/{credit_payback_id}/documents", response_model=DocumentLink)
def get_credit_payback_document(caller: Signed, credit_payback_id: UUID) -> Response:
    """The file for the bank."""
    asked = credit_payback.GetCreditPaybackDocument(credit_payback_id=credit_payback_id)
    return ok(DocumentLink.of(caller.ask(asked, BankOrderDocument)))
