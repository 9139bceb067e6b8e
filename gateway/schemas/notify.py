"""The finance feed, webhooks, notifications, and what the operation looks after."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from gateway.schemas.base import Asked, Schema, Shown
from services.shared.messages.base import Instant
from services.shared.messages.notify.webhook_endpoint import DeliveryState, EndpointState

ServiceName = Literal["catalog", "orders", "billing", "invoicing", "notify"]


class FeedEntry(Shown):
    """*event*: a CloudEvent with the fields that the asker's organisation may see."""

    sequence: int
    prev_sequence: int
    event: dict[str, Any]


class FeedPage(Shown):
    items: tuple[FeedEntry, ...]
    next_cursor: str | None
    high_watermark: int


class FeedListed(Asked):
    after: Annotated[int, Field(ge=0, le=2**62, description="sequence of the last entry that was taken over")] = 0
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    types: Annotated[str, Field(max_length=2_000, description="comma separated; empty: all")] = ""


class WebhookEndpoint(Shown):
    webhook_endpoint_id: UUID
    organisation_id: UUID
    url: str
    types: tuple[str, ...]
    state: EndpointState
    secret: Annotated[str | None, Field(description="only in the answer to the registration")]
    registered_at: Instant
    problem: str


class WebhookEndpointPage(Shown):
    items: tuple[WebhookEndpoint, ...]
    next_cursor: str | None


class WebhookEndpointToRegister(Schema):
    url: Annotated[str, StringConstraints(min_length=8, max_length=1_000)]
    types: Annotated[tuple[str, ...], Field(max_length=100)] = ()


class WebhookDelivery(Shown):
    delivery_id: UUID
    webhook_endpoint_id: UUID
    event_id: UUID
    sequence: int
    state: DeliveryState
    attempts: int
    last_status: int | None
    last_problem: str
    next_attempt_at: Instant | None


class WebhookDeliveryPage(Shown):
    items: tuple[WebhookDelivery, ...]
    next_cursor: str | None


class Notification(Shown):
    notification_id: UUID
    kind: str
    subject: str
    body: str
    link: str
    created_at: Instant


class NotificationPage(Shown):
    items: tuple[Notification, ...]
    next_cursor: str | None


class OperationListed(Asked):
    service: ServiceName
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class ParkedEvent(Shown):
    source: str
    seq: int
    type: str
    stream: str
    status: str
    attempts: int
    received_at: Instant
    reason: str


class Inbox(Shown):
    """*ready*: not yet handled; *contiguous*: source → all up to this number has been received."""

    items: tuple[ParkedEvent, ...]
    next_cursor: str | None
    ready: int
    contiguous: dict[str, int]


class ReplayWanted(Schema):
    service: ServiceName
    from_source: Annotated[str, StringConstraints(max_length=40)]
    seq: Annotated[int, Field(ge=1)]


class Replayed(Shown):
    replayed: int


class DeadLetter(Shown):
    dead_letter_id: UUID
    received_at: Instant
    reason: str
    exchange: str
    routing_key: str
    user_id: str | None
    size_bytes: int
    excerpt: str


class DeadLetterPage(Shown):
    items: tuple[DeadLetter, ...]
    next_cursor: str | None
