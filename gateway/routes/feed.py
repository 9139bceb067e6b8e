"""The finance feed, webhooks, notifications."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from gateway import problems
from gateway.answers import created, ok, unless_known
from gateway.calls import JsonBody, Signed
from gateway.schemas import notify as schemas
from gateway.schemas.base import Listed
from services.shared.messages.notify import feed, notification, webhook_endpoint

router = APIRouter(prefix="/v1", tags=["finance feed"])


@router.get("/events", response_model=schemas.FeedPage)
def list_events(request: Request, caller: Signed, listed: Annotated[schemas.FeedListed, Query()]) -> Response:
    """The own view's entries after a sequence, oldest first, without gaps. With an ETag."""
    types = tuple(each.strip() for each in listed.types.split(",") if each.strip())
    asked = feed.ListFeed(after=listed.after, limit=listed.limit, types=types)
    return unless_known(request, schemas.FeedPage.of(caller.ask(asked, feed.FeedPage)))


@router.get("/events/{event_id}", response_model=schemas.FeedEntry)
def get_event(caller: Signed, event_id: UUID) -> Response:
    return ok(schemas.FeedEntry.of(caller.ask(feed.GetFeedEntry(event_id=event_id), feed.FeedEntryView).entry))


@router.post("/webhook-endpoints", status_code=problems.CREATED, response_model=schemas.WebhookEndpoint)
def register_webhook_endpoint(
    caller: Signed,
    body: Annotated[schemas.WebhookEndpointToRegister, Depends(JsonBody(schemas.WebhookEndpointToRegister))],
) -> Response:
    """Where the organisation wants to be told. The secret is in this answer only."""
    command = webhook_endpoint.RegisterWebhookEndpoint(**dict(body))
    view = caller.ask(command, webhook_endpoint.WebhookEndpointView)
    return created(schemas.WebhookEndpoint.of(view), "/v1/webhook-endpoints")


@router.get("/webhook-endpoints", response_model=schemas.WebhookEndpointPage)
def list_webhook_endpoints(caller: Signed) -> Response:
    page = caller.ask(webhook_endpoint.ListWebhookEndpoints(), webhook_endpoint.WebhookEndpointPage)
    return ok(schemas.WebhookEndpointPage.of(page))


@router.post("/webhook-endpoints/{webhook_endpoint_id}/disable", response_model=schemas.WebhookEndpoint)
def disable_webhook_endpoint(caller: Signed, webhook_endpoint_id: UUID) -> Response:
    command = webhook_endpoint.DisableWebhookEndpoint(webhook_endpoint_id=webhook_endpoint_id)
    return ok(schemas.WebhookEndpoint.of(caller.ask(command, webhook_endpoint.WebhookEndpointView)))


class _DeliveriesListed(Listed):
    webhook_endpoint_id: UUID | None = None


@router.get("/webhook-deliveries", response_model=schemas.WebhookDeliveryPage)
def list_webhook_deliveries(caller: Signed, listed: Annotated[_DeliveriesListed, Query()]) -> Response:
    asked = webhook_endpoint.ListWebhookDeliveries(**dict(listed))
    return ok(schemas.WebhookDeliveryPage.of(caller.ask(asked, webhook_endpoint.WebhookDeliveryPage)))


@router.get("/notifications", response_model=schemas.NotificationPage, tags=["people"])
def list_notifications(caller: Signed, listed: Annotated[Listed, Query()]) -> Response:
    asked = notification.ListNotifications(**dict(listed))
    return ok(schemas.NotificationPage.of(caller.ask(asked, notification.NotificationPage)))
