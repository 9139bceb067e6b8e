"""Providers, offerings, search."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import Anyone, Caller, JsonBody, Signed
from gateway.schemas.catalogue import (
    HitPage,
    Offering,
    OfferingChange,
    OfferingPage,
    OfferingsListed,
    OfferingStep,
    OfferingToDraft,
    OwnOffering,
    PriceToSet,
    Provider,
    ProviderApplication,
    ProviderDecision,
    ProviderPage,
    ProvidersListed,
    Searched,
)
from services.shared.messages.catalog import offering as offerings
from services.shared.messages.catalog import provider as providers

router = APIRouter(prefix="/v1", tags=["catalogue"])


def _offering(caller: Caller, view: offerings.OfferingView) -> OwnOffering | Offering:
    inside = caller.actor.operator or caller.actor.organisation_id == view.provider_id
    return OwnOffering.of(view) if inside else Offering.of(view)


@router.post("/providers", status_code=problems.CREATED, response_model=Provider)
def apply_as_provider(
    caller: Signed, body: Annotated[ProviderApplication, Depends(JsonBody(ProviderApplication))]
) -> Response:
    """The own organisation asks to sell."""
    view = caller.ask(providers.ApplyAsProvider(**dict(body)), providers.ProviderView)
    return created(Provider.of(view), f"/v1/providers/{view.provider_id}")


@router.get("/providers", response_model=ProviderPage)
def list_providers(caller: Signed, listed: Annotated[ProvidersListed, Query()]) -> Response:
    return ok(ProviderPage.of(caller.ask(providers.ListProviders(**dict(listed)), providers.ProviderPage)))


@router.get("/providers/{provider_id}", response_model=Provider)
def get_provider(caller: Signed, provider_id: UUID) -> Response:
    return ok(Provider.of(caller.ask(providers.GetProvider(provider_id=provider_id), providers.ProviderView)))


@router.post("/providers/{provider_id}/review", response_model=Provider)
def review_provider(
    caller: Signed, provider_id: UUID, body: Annotated[ProviderDecision, Depends(JsonBody(ProviderDecision))]
) -> Response:
    """The operating company decides on a provider."""
    command = providers.ReviewProvider(provider_id=provider_id, **dict(body))
    return ok(Provider.of(caller.ask(command, providers.ProviderView)))


@router.post("/offerings", status_code=problems.CREATED, response_model=OwnOffering)
def draft_offering(caller: Signed, body: Annotated[OfferingToDraft, Depends(JsonBody(OfferingToDraft))]) -> Response:
    command = offerings.DraftOffering(content=body.content.message(), prices=body.prices)
    view = caller.ask(command, offerings.OfferingView)
    return created(OwnOffering.of(view), f"/v1/offerings/{view.offering_id}")


@router.get("/offerings", response_model=OfferingPage)
def list_offerings(caller: Signed, listed: Annotated[OfferingsListed, Query()]) -> Response:
    """The own organisation's, or all for the operating company."""
    return ok(OfferingPage.of(caller.ask(offerings.ListOfferings(**dict(listed)), offerings.OfferingPage)))


@router.get("/offerings/{offering_id}", response_model=OwnOffering | Offering)
def get_offering(caller: Anyone, offering_id: UUID) -> Response:
    """Published ones for anyone."""
    view = caller.ask(offerings.GetOffering(offering_id=offering_id), offerings.OfferingView)
    return ok(_offering(caller, view))


@router.post("/offerings/{offering_id}", response_model=OwnOffering)
def change_offering(
    caller: Signed, offering_id: UUID, body: Annotated[OfferingChange, Depends(JsonBody(OfferingChange))]
) -> Response:
    """Replace the content."""
    command = offerings.ChangeOffering(offering_id=offering_id, content=body.content.message())
    return ok(OwnOffering.of(caller.ask(command, offerings.OfferingView)))


@router.post("/offerings/{offering_id}/prices", status_code=problems.CREATED, response_model=OwnOffering)
def set_price(
    caller: Signed, offering_id: UUID, body: Annotated[PriceToSet, Depends(JsonBody(PriceToSet))]
) -> Response:
    """Add an entry to the price list."""
    view = caller.ask(offerings.SetPrice(offering_id=offering_id, price=body.price), offerings.OfferingView)
    return created(OwnOffering.of(view), f"/v1/offerings/{offering_id}")


@router.post("/offerings/{offering_id}/steps", response_model=OwnOffering)
def move_offering(
    caller: Signed, offering_id: UUID, body: Annotated[OfferingStep, Depends(JsonBody(OfferingStep))]
) -> Response:
    """Submit, publish, send back, hide, show or retire it."""
    command = offerings.MoveOffering(offering_id=offering_id, **dict(body))
    return ok(OwnOffering.of(caller.ask(command, offerings.OfferingView)))


@router.get("/catalogue/search", response_model=HitPage)
def search_catalogue(caller: Anyone, searched: Annotated[Searched, Query()]) -> Response:
    """Published offerings that contain every word, Chinese or English, best first. Public."""
    return ok(HitPage.of(caller.ask(offerings.SearchCatalogue(**dict(searched)), offerings.CataloguePage)))
