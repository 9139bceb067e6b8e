"""Reads of notify: SQL → view. Everybody sees their own organisation's and nothing else."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from services.notify.adapters import tables
from services.notify.adapters.unit_of_work import NotifyUnitOfWork
from services.notify.adapters.webhook_repository import endpoint_of
from services.notify.domain.feed import OPERATOR_VIEW, view_of
from services.notify.use_cases import webhook_endpoint
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.messages.notify.feed import FeedEntry, FeedEntryView, FeedPage, GetFeedEntry, ListFeed
from services.shared.messages.notify.notification import ListNotifications, Notification, NotificationPage
from services.shared.messages.notify.webhook_endpoint import (
    DeliveryView,
    ListWebhookDeliveries,
    ListWebhookEndpoints,
    WebhookDeliveryPage,
    WebhookEndpointPage,
)
from services.shared.messages.registry import TYPE_PREFIX

# One statement is one snapshot: the watermark is never behind the entries that are shown with it.
FEED = """
SELECT v.last_sequence, e.sequence, e.body
FROM feed_view v
LEFT JOIN LATERAL (
  SELECT sequence, body FROM feed_entry
  WHERE view = v.view AND sequence > %(after)s AND (%(types)s::text[] = '{}' OR type = ANY (%(types)s::text[]))
  ORDER BY sequence LIMIT %(limit)s
) e ON true
WHERE v.view = %(view)s
ORDER BY e.sequence
"""


def list_feed(query: ListFeed, *, actor: Actor, uow: NotifyUnitOfWork, now: datetime) -> FeedPage:
    del now
    require(actor, query.grants, {"self": actor.organisation_id})
    rows = uow.connection.exec_driver_sql(
        FEED,
        {
            "view": _view(actor),
            "after": query.after,
            "types": [name.removeprefix(TYPE_PREFIX) for name in query.types],
            "limit": query.limit + 1,
        },
    ).all()
    found = [row for row in rows if row.sequence is not None]
    shown = found[: query.limit]
    return FeedPage(
        items=tuple(_entry(row.sequence, row.body) for row in shown),
        next_cursor=str(shown[-1].sequence) if len(found) > query.limit else None,
        high_watermark=rows[0].last_sequence if rows else 0,
    )


def get_feed_entry(query: GetFeedEntry, *, actor: Actor, uow: NotifyUnitOfWork, now: datetime) -> FeedEntryView:
    """Its content never changes: the event's id with the view's sequence is as good as a hash of it."""
    del now
    require(actor, query.grants, {"self": actor.organisation_id})
    table = tables.feed_entry
    row = uow.connection.execute(
        select(table.c.sequence, table.c.body).where(table.c.view == _view(actor), table.c.event_id == query.event_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    return FeedEntryView(entry=_entry(row.sequence, row.body))


def list_notifications(
    query: ListNotifications, *, actor: Actor, uow: NotifyUnitOfWork, now: datetime
) -> NotificationPage:
    """In the language of the one who asks; in Chinese for a machine."""
    del now
    require(actor, query.grants, {"self": actor.organisation_id})
    table, member = tables.notification, tables.member
    statement = (
        select(table, member.c.language)
        .join(
            member,
            (member.c.organisation_id == table.c.organisation_id) & (member.c.member_id == actor.member_id),
            isouter=True,
        )
        .where(table.c.organisation_id == actor.organisation_id)
    )
    rows, cursor = page(
        uow.connection, statement, (table.c.created_at, table.c.notification_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return NotificationPage(items=tuple(_notification(row) for row in rows), next_cursor=cursor)


def list_webhook_endpoints(
    query: ListWebhookEndpoints, *, actor: Actor, uow: NotifyUnitOfWork, now: datetime
) -> WebhookEndpointPage:
    """Oldest first; their secrets are not shown again."""
    del now
    require(actor, query.grants, {"self": actor.organisation_id})
    table = tables.webhook_endpoint
    rows = uow.connection.execute(
        select(table)
        .where(table.c.organisation_id == actor.organisation_id)
        .order_by(table.c.registered_at, table.c.webhook_endpoint_id)
    )
    return WebhookEndpointPage(items=tuple(webhook_endpoint.view(endpoint_of(row)) for row in rows))


def list_webhook_deliveries(
    query: ListWebhookDeliveries, *, actor: Actor, uow: NotifyUnitOfWork, now: datetime
) -> WebhookDeliveryPage:
    del now
    require(actor, query.grants, {"self": actor.organisation_id})
    table, endpoint = tables.webhook_delivery, tables.webhook_endpoint
    statement = select(table).where(
        table.c.webhook_endpoint_id.in_(
            select(endpoint.c.webhook_endpoint_id).where(endpoint.c.organisation_id == actor.organisation_id)
        )
    )
    if query.webhook_endpoint_id is not None:
        statement = statement.where(table.c.webhook_endpoint_id == query.webhook_endpoint_id)
    rows, cursor = page(
        uow.connection, statement, (table.c.created_at, table.c.delivery_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return WebhookDeliveryPage(items=tuple(_delivery(row) for row in rows), next_cursor=cursor)


def _view(actor: Actor) -> str:
    return OPERATOR_VIEW if actor.operator else view_of(actor.organisation_id)


def _entry(sequence: int, body: Any) -> FeedEntry:
    return FeedEntry(sequence=sequence, prev_sequence=sequence - 1, event=json.loads(bytes(body)))


def _notification(row: Any) -> Notification:
    english = row.language == "en"
    return Notification(
        notification_id=row.notification_id,
        kind=row.kind,
        subject=row.subject_en if english else row.subject_zh,
        body=row.body_en if english else row.body_zh,
        link=row.link,
        created_at=row.created_at,
    )


def _delivery(row: Any) -> DeliveryView:
    fields = dict(row._mapping)
    del fields["view"], fields["created_at"]
    return DeliveryView(**fields)
