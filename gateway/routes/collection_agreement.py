"""Collection agreements: proposed by one of the contracts staff, approved by another."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import collection_agreement as schemas
from services.shared.kernel.collection import CollectionReason
from services.shared.messages.orders import collection_agreement

router = APIRouter(prefix="/v1", tags=["orders"])


@router.post("/collection-agreements", status_code=problems.CREATED, response_model=schemas.CollectionAgreement)
def propose_collection_agreement(
    caller: Signed,
    body: Annotated[schemas.CollectionAgreementToPropose, Depends(JsonBody(schemas.CollectionAgreementToPropose))],
) -> Response:
    """How a provider's orders are collected from an instant on, and why; holds once another approves it."""
    fields = {**dict(body), "reason": CollectionReason(**dict(body.reason))}
    command = collection_agreement.ProposeCollectionAgreement(**fields)
    view = caller.ask(command, collection_agreement.CollectionAgreementView)
    return created(schemas.CollectionAgreement.of(view), "/v1/collection-agreements")


@router.post(
    "/collection-agreements/{collection_agreement_id}/approve", response_model=schemas.CollectionAgreement
)  # fmt: skip
def approve_collection_agreement(caller: Signed, collection_agreement_id: UUID) -> Response:
    """By somebody else than who proposed it. What is priced already keeps its own."""
    command = collection_agreement.ApproveCollectionAgreement(collection_agreement_id=collection_agreement_id)
    return ok(schemas.CollectionAgreement.of(caller.ask(command, collection_agreement.CollectionAgreementView)))


@router.post(
    "/collection-agreements/{collection_agreement_id}/withdraw", response_model=schemas.CollectionAgreement
)  # fmt: skip
def withdraw_collection_agreement(caller: Signed, collection_agreement_id: UUID) -> Response:
    """Before it is approved."""
    command = collection_agreement.WithdrawCollectionAgreement(collection_agreement_id=collection_agreement_id)
    return ok(schemas.CollectionAgreement.of(caller.ask(command, collection_agreement.CollectionAgreementView)))


@router.get("/collection-agreements", response_model=schemas.CollectionAgreementPage)
def list_collection_agreements(
    caller: Signed, listed: Annotated[schemas.CollectionAgreementsListed, Query()]
) -> Response:  # fmt: skip
    """Newest first; a provider reads its own."""
    query = collection_agreement.ListCollectionAgreements(**listed.fields())
    return ok(
        schemas.CollectionAgreementPage.of(caller.ask(query, collection_agreement.CollectionAgreementPage))
    )  # fmt: skip
