"""Webhook endpoints: where a party wants to be told. The hint; what is true is pulled."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Command, Event, Instant, Page, Query, View

EndpointState = Literal["enabled", "disabled"]
DeliveryState = Literal["pending", "succeeded", "failed"]

_OWNERS: Grants = {
    "self": frozenset({"customer_finance", "provider_finance", "station_manager", "finance_operator", "administrator"})
}


class WebhookEndpointView(View):
    """*secret*: shown once, in the answer to its registration."""

    webhook_endpoint_id: UUID
    organisation_id: UUID
    url: str
    types: tuple[str, ...]
    state: EndpointState
    secret: str | None
    registered_at: Instant
    problem: str


class RegisterWebhookEndpoint(Command):
    """https only, and no address inside; *types* empty: all of the view. → WebhookEndpointView with its secret"""

    wire_name: ClassVar = "notify.register_webhook_endpoint"
    grants: ClassVar[Grants] = _OWNERS

    url: Annotated[str, StringConstraints(min_length=8, max_length=1_000)]
    types: Annotated[tuple[str, ...], Field(max_length=100)] = ()


class DisableWebhookEndpoint(Command):
    """→ WebhookEndpointView"""

    wire_name: ClassVar = "notify.disable_webhook_endpoint"
    grants: ClassVar[Grants] = _OWNERS

    webhook_endpoint_id: UUID


class ListWebhookEndpoints(Query):
    """→ WebhookEndpointPage"""

    wire_name: ClassVar = "notify.list_webhook_endpoints"
    grants: ClassVar[Grants] = _OWNERS


class WebhookEndpointPage(Page):
    items: tuple[WebhookEndpointView, ...]


class DeliveryView(View):
    delivery_id: UUID
    webhook_endpoint_id: UUID
    event_id: UUID
    sequence: int
    state: DeliveryState
    attempts: int
    last_status: int | None
    last_problem: str
    next_attempt_at: Instant | None


class ListWebhookDeliveries(Query):
    """→ WebhookDeliveryPage, newest first"""

    wire_name: ClassVar = "notify.list_webhook_deliveries"
    grants: ClassVar[Grants] = _OWNERS

    webhook_endpoint_id: UUID | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class WebhookDeliveryPage(Page):
    items: tuple[DeliveryView, ...]


class WebhookEndpointDisabled(Event):
    """It failed too often, or answered that it is gone."""

    wire_name: ClassVar = "webhook_endpoint.disabled.v1"
    source: ClassVar = "notify"
    stream_of: ClassVar = ("webhook_endpoint", "webhook_endpoint_id")

    webhook_endpoint_id: UUID
    organisation_id: UUID
    reason: str
