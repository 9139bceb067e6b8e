"""
Webhooks: where a party wants its entries pushed, and pushing them.

    feed.append → deliveries + timer send_webhooks of the endpoint
    timers      → the delivery that is next, as outside call deliver_webhook
    outcome     → its result, and the next one, or timer retry_webhooks for when it is due

An endpoint has one delivery on its way at a time. New entries and retries have a timer each, so that
whoever plans a retry never puts off an entry that came meanwhile. A timer holds its own row and must
not wait for the endpoint's, whose holder may be about to set that timer: it comes back instead.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.notify.domain.feed import FEED, OPERATOR_VIEW, view_of
from services.notify.domain.webhook_address import target_of
from services.notify.domain.webhook_endpoint import (
    GONE,
    HOLD_BACK,
    Answer,
    WebhookEndpoint,
    new_secret,
    ready_at,
    worn_out,
)
from services.notify.use_cases.ports import NotifyUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import Invalid
from services.shared.kernel.ids import new_id
from services.shared.messages.notify.webhook_endpoint import (
    DisableWebhookEndpoint,
    RegisterWebhookEndpoint,
    WebhookEndpointDisabled,
    WebhookEndpointView,
)
from services.shared.messages.registry import TYPE_PREFIX

DELIVER_WEBHOOK = "deliver_webhook"
SEND_WEBHOOKS = "send_webhooks"
RETRY_WEBHOOKS = "retry_webhooks"
BUSY = timedelta(seconds=1)


class TypeUnknown(Invalid):
    """The feed has no events of this type."""

    code = "notify.feed_type_unknown"


def register_webhook_endpoint(
    command: RegisterWebhookEndpoint, *, actor: Actor, uow: NotifyUnitOfWork, now: datetime, allow_insecure: bool
) -> WebhookEndpointView:
    """Entries from now on go there. The secret is in this answer and in none after it."""
    require(actor, command.grants, {"self": actor.organisation_id})
    target_of(command.url, allow_insecure=allow_insecure)
    types = tuple(dict.fromkeys(name.removeprefix(TYPE_PREFIX) for name in command.types))
    unknown = [name for name in types if name not in FEED]
    if unknown:
        raise TypeUnknown(types=unknown)
    endpoint = WebhookEndpoint(
        webhook_endpoint_id=new_id(),
        organisation_id=actor.organisation_id,
        view=OPERATOR_VIEW if actor.operator else view_of(actor.organisation_id),
        url=command.url,
        types=types,
        secret=new_secret(),
        registered_at=now,
    )
    uow.webhook_endpoints.add(endpoint)
    return view(endpoint, secret=endpoint.secret)


def disable_webhook_endpoint(
    command: DisableWebhookEndpoint, *, actor: Actor, uow: NotifyUnitOfWork, now: datetime
) -> WebhookEndpointView:
    """What was not delivered yet will not be; it can still be pulled."""
    del now
    endpoint = uow.webhook_endpoints.get(command.webhook_endpoint_id)
    require(actor, command.grants, {"self": endpoint.organisation_id})
    _disable(endpoint, "disabled by its owner", uow)
    uow.webhook_endpoints.save(endpoint)
    return view(endpoint)


def send_new(subject: str, *, uow: NotifyUnitOfWork, now: datetime) -> None:
    """Timer `send_webhooks`: entries have come into the view of the endpoint *subject*."""
    _look(SEND_WEBHOOKS, UUID(subject), uow, now)


def send_again(subject: str, *, uow: NotifyUnitOfWork, now: datetime) -> None:
    """Timer `retry_webhooks`: a delivery to the endpoint *subject* is due again."""
    _look(RETRY_WEBHOOKS, UUID(subject), uow, now)


def _look(timer: str, endpoint_id: UUID, uow: NotifyUnitOfWork, now: datetime) -> None:
    endpoint = uow.webhook_endpoints.find_free(endpoint_id)
    if endpoint is None:
        uow.set_timer(timer, endpoint_id, now + BUSY)
    elif endpoint.state == "enabled" and endpoint.in_flight is None:
        _start_next(endpoint, uow, now)
        uow.webhook_endpoints.save(endpoint)


def record_answer(
    payload: Mapping[str, Any], outcome: Mapping[str, Any], *, uow: NotifyUnitOfWork, now: datetime
) -> None:
    """What came of `deliver_webhook`: *outcome* holds *status*, *problem*, *retry_after_s*."""
    endpoint = uow.webhook_endpoints.get(UUID(payload["webhook_endpoint_id"]))
    delivery = uow.webhook_deliveries.get(UUID(payload["delivery_id"]))
    if delivery.state != "pending" or endpoint.state == "disabled":
        return
    answer = Answer(**outcome)
    delivery.answered(answer, now)
    endpoint.answered(answer, now)
    uow.webhook_deliveries.save(delivery)
    if answer.status == GONE:
        _disable(endpoint, "answered 410 Gone", uow)
    elif worn_out(endpoint, delivery):
        _disable(endpoint, f"failed too often: {answer.problem}", uow)
    else:
        _start_next(endpoint, uow, now)
    uow.webhook_endpoints.save(endpoint)


def _start_next(endpoint: WebhookEndpoint, uow: NotifyUnitOfWork, now: datetime) -> None:
    delivery = uow.webhook_deliveries.next_for(endpoint.webhook_endpoint_id, now + HOLD_BACK)
    if delivery is None:
        return
    at = ready_at(endpoint, delivery, now)
    if at > now:
        uow.set_timer(RETRY_WEBHOOKS, endpoint.webhook_endpoint_id, at)
        return
    endpoint.in_flight = delivery.delivery_id
    uow.call_outside(
        DELIVER_WEBHOOK,
        f"webhook:{delivery.delivery_id}:{delivery.attempts + 1}",
        {"delivery_id": str(delivery.delivery_id), "webhook_endpoint_id": str(endpoint.webhook_endpoint_id)},
    )


def _disable(endpoint: WebhookEndpoint, reason: str, uow: NotifyUnitOfWork) -> None:
    endpoint.disable(reason)
    uow.webhook_deliveries.give_up_pending(endpoint.webhook_endpoint_id, "the endpoint is disabled")
    uow.publish(
        WebhookEndpointDisabled(
            webhook_endpoint_id=endpoint.webhook_endpoint_id,
            organisation_id=endpoint.organisation_id,
            reason=reason,
        )
    )


def view(endpoint: WebhookEndpoint, *, secret: str | None = None) -> WebhookEndpointView:
    return WebhookEndpointView(
        webhook_endpoint_id=endpoint.webhook_endpoint_id,
        organisation_id=endpoint.organisation_id,
        url=endpoint.url,
        types=endpoint.types,
        state=endpoint.state,
        secret=secret,
        registered_at=endpoint.registered_at,
        problem=endpoint.problem,
    )
