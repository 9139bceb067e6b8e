"""Every way into notify by RPC."""

from datetime import datetime
from functools import cache

from services.notify.adapters import queries
from services.notify.config import NotifySettings
from services.notify.use_cases import webhook_endpoint
from services.notify.use_cases.ports import NotifyUnitOfWork
from services.shared.chassis.entrypoints import ServiceBase, command, query
from services.shared.chassis.settings import load
from services.shared.kernel.actor import Actor
from services.shared.messages.notify.feed import GetFeedEntry, ListFeed
from services.shared.messages.notify.notification import ListNotifications
from services.shared.messages.notify.webhook_endpoint import (
    DisableWebhookEndpoint,
    ListWebhookDeliveries,
    ListWebhookEndpoints,
    RegisterWebhookEndpoint,
    WebhookEndpointView,
)


@cache
def _settings() -> NotifySettings:
    (settings,) = load(NotifySettings)
    return settings


def _register(
    wanted: RegisterWebhookEndpoint, *, actor: Actor, uow: NotifyUnitOfWork, now: datetime
) -> WebhookEndpointView:
    return webhook_endpoint.register_webhook_endpoint(
        wanted, actor=actor, uow=uow, now=now, allow_insecure=_settings().allow_insecure_webhooks
    )


class NotifyService(ServiceBase):
    name = "notify"

    list_feed = query(ListFeed, queries.list_feed)
    get_feed_entry = query(GetFeedEntry, queries.get_feed_entry)
    list_notifications = query(ListNotifications, queries.list_notifications)
    register_webhook_endpoint = command(RegisterWebhookEndpoint, _register)
    disable_webhook_endpoint = command(DisableWebhookEndpoint, webhook_endpoint.disable_webhook_endpoint)
    list_webhook_endpoints = query(ListWebhookEndpoints, queries.list_webhook_endpoints)
    list_webhook_deliveries = query(ListWebhookDeliveries, queries.list_webhook_deliveries)
