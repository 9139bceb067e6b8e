"""Notifications: what people are told, by mail and in the portal."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Instant, Message, Page, Query


class Notification(Message):
    notification_id: UUID
    kind: str
    subject: str
    body: str
    link: str
    created_at: Instant


class ListNotifications(Query):
    """Of the organisation of the one who asks; newest first. → NotificationPage"""

    wire_name: ClassVar = "notify.list_notifications"
    grants: ClassVar[Grants] = {"self": frozenset()}

    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class NotificationPage(Page):
    items: tuple[Notification, ...]
