"""Notify's unit of work in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notify.adapters.texts import Texts
from services.notify.domain.feed import view_of
from services.notify.domain.member import Language, MemberCopy
from services.notify.domain.notification import Notification
from services.notify.domain.organisation import OrganisationCopy
from services.notify.domain.reference import OrderCopy, SettlementCopy
from services.notify.domain.webhook_endpoint import Delivery, WebhookEndpoint
from services.notify.use_cases import organisation
from services.notify.use_cases.ports import FeedRow
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id, new_id
from services.shared.messages.base import Event
from tests.kit.fakes_invoicing import (
    CUSTOMER_ID,
    NOW,
    OPERATOR_ID,
    ORDER_ID,
    PROVIDER_ID,
    SETTLEMENT_ID,
    STATION_ID,
    registered,
)

CUSTOMER_VIEW = view_of(CUSTOMER_ID)
PROVIDER_VIEW = view_of(PROVIDER_ID)
STATION_VIEW = view_of(STATION_ID)


def a_member(organisation_id: UUID, *roles: str, language: Language = "zh", name: str = "王芳") -> MemberCopy:
    member_id = derived_id("member", organisation_id, *roles, language)
    return MemberCopy(member_id, organisation_id, name, f"{language}.{roles[0]}@example.org", language, roles)


def an_endpoint(**changes: Any) -> WebhookEndpoint:
    endpoint = WebhookEndpoint(
        webhook_endpoint_id=derived_id("webhook_endpoint", 1),
        organisation_id=CUSTOMER_ID,
        view=CUSTOMER_VIEW,
        url="https://erp.example.org/hook",
        types=(),
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        registered_at=NOW,
    )
    return replace(endpoint, **changes)


@dataclass(frozen=True)
class FakeCause:
    causation_id: str
    occurred_at: datetime | None = NOW


class FakeNotify:
    """What a transaction would change is changed at once; the rest is kept in `published`, `calls`, `timers`."""

    def __init__(self) -> None:
        self.cause = FakeCause(str(new_id()))
        self.published: list[Event] = []
        self.calls: dict[str, tuple[str, dict[str, Any]]] = {}
        self.timers: dict[tuple[str, str], datetime] = {}
        self.organisations = FakeOrganisations()
        self.members = FakeMembers()
        self.references = FakeReferences()
        self.notifications = FakeNotifications()
        self.texts = Texts()
        self.webhook_endpoints = FakeWebhookEndpoints()
        self.webhook_deliveries = FakeWebhookDeliveries()
        self.feed = FakeFeed(self)

    def as_event(self, event_id: UUID | None = None) -> "FakeNotify":
        """Handle another event from here on."""
        self.cause = FakeCause(str(event_id or new_id()))
        return self

    def publish(self, event: Event) -> UUID:
        self.published.append(event)
        return new_id()

    def call_outside(self, kind: str, key: str, payload: Mapping[str, Any]) -> None:
        self.calls.setdefault(key, (kind, dict(payload)))

    def set_timer(self, kind: str, subject: object, due_at: datetime) -> None:
        self.timers[kind, str(subject)] = due_at


class FakeOrganisations:
    def __init__(self) -> None:
        self.rows: dict[UUID, OrganisationCopy] = {}

    def put(self, organisation: OrganisationCopy) -> None:
        self.rows[organisation.organisation_id] = organisation

    def known(self, organisation_ids: Collection[UUID]) -> dict[UUID, OrganisationCopy]:
        return {key: row for key, row in self.rows.items() if key in organisation_ids or row.kind == "operator"}


class FakeMembers:
    def __init__(self) -> None:
        self.rows: dict[tuple[UUID, UUID], MemberCopy] = {}

    def put(self, member: MemberCopy) -> None:
        self.rows[member.organisation_id, member.member_id] = member

    def remove(self, member_id: UUID, organisation_id: UUID) -> None:
        self.rows.pop((organisation_id, member_id), None)

    def holding(self, organisation_id: UUID, roles: Collection[str]) -> list[MemberCopy]:
        return [row for row in self.rows.values() if row.organisation_id == organisation_id and {*roles} & {*row.roles}]


class FakeReferences:
    def __init__(self) -> None:
        self.orders: dict[UUID, OrderCopy] = {}
        self.settlements: dict[UUID, SettlementCopy] = {}

    def put_order(self, order: OrderCopy) -> None:
        self.orders.setdefault(order.order_id, order)

    def order(self, order_id: UUID) -> OrderCopy | None:
        return self.orders.get(order_id)

    def put_settlement(self, settlement: SettlementCopy) -> None:
        self.settlements.setdefault(settlement.settlement_id, settlement)

    def settlement(self, settlement_id: UUID) -> SettlementCopy | None:
        return self.settlements.get(settlement_id)


class FakeNotifications:
    def __init__(self) -> None:
        self.rows: dict[UUID, Notification] = {}

    def add(self, notification: Notification) -> bool:
        if notification.notification_id in self.rows:
            return False
        self.rows[notification.notification_id] = notification
        return True


class FakeFeed:
    def __init__(self, uow: FakeNotify) -> None:
        self.uow = uow
        self.last: dict[str, int] = {}
        self.rows: list[FeedRow] = []

    def number(self, views: Sequence[str], event_id: UUID) -> dict[str, int]:
        there = {row.view for row in self.rows if row.event_id == event_id}
        for view in views:
            if view not in there:
                self.last[view] = self.last.get(view, 0) + 1
        return {view: self.last[view] for view in views if view not in there}

    def add(self, rows: Sequence[FeedRow]) -> list[UUID]:
        self.rows += rows
        waiting = []
        for row in rows:
            for endpoint in self.uow.webhook_endpoints.rows.values():
                if (
                    endpoint.view == row.view
                    and endpoint.state == "enabled"
                    and row.type in (endpoint.types or row.type)
                ):
                    delivery = Delivery(
                        new_id(), endpoint.webhook_endpoint_id, row.view, row.sequence, row.event_id, row.created_at,
                        next_attempt_at=row.created_at,
                    )  # fmt: skip
                    self.uow.webhook_deliveries.rows[delivery.delivery_id] = delivery
                    waiting.append(endpoint.webhook_endpoint_id)
        return waiting

    def of(self, view: str) -> list[FeedRow]:
        return [row for row in self.rows if row.view == view]


class FakeWebhookEndpoints:
    def __init__(self) -> None:
        self.rows: dict[UUID, WebhookEndpoint] = {}
        self.held: set[UUID] = set()

    def add(self, endpoint: WebhookEndpoint) -> None:
        self.rows[endpoint.webhook_endpoint_id] = replace(endpoint)

    def get(self, webhook_endpoint_id: UUID) -> WebhookEndpoint:
        if webhook_endpoint_id not in self.rows:
            raise NotFound
        return replace(self.rows[webhook_endpoint_id])

    def find_free(self, webhook_endpoint_id: UUID) -> WebhookEndpoint | None:
        return None if webhook_endpoint_id in self.held else self.get(webhook_endpoint_id)

    def save(self, endpoint: WebhookEndpoint) -> None:
        self.rows[endpoint.webhook_endpoint_id] = replace(endpoint)


class FakeWebhookDeliveries:
    def __init__(self) -> None:
        self.rows: dict[UUID, Delivery] = {}

    def get(self, delivery_id: UUID) -> Delivery:
        return replace(self.rows[delivery_id])

    def next_for(self, webhook_endpoint_id: UUID, horizon: datetime) -> Delivery | None:
        pending = [row for row in self._of(webhook_endpoint_id) if row.state == "pending"]
        near = [row for row in pending if (row.next_attempt_at or row.created_at) <= horizon]
        if near:
            return replace(min(near, key=lambda row: row.sequence))
        return replace(min(pending, key=lambda row: row.next_attempt_at or row.created_at)) if pending else None

    def save(self, delivery: Delivery) -> None:
        self.rows[delivery.delivery_id] = replace(delivery)

    def give_up_pending(self, webhook_endpoint_id: UUID, problem: str) -> None:
        for row in self._of(webhook_endpoint_id):
            if row.state == "pending":
                row.give_up(problem)

    def _of(self, webhook_endpoint_id: UUID) -> list[Delivery]:
        return [row for row in self.rows.values() if row.webhook_endpoint_id == webhook_endpoint_id]


def with_organisations(uow: FakeNotify) -> FakeNotify:
    """The four parties, and the order and the settlement that the examples are about."""
    for kind, organisation_id in (
        ("operator", OPERATOR_ID), ("customer", CUSTOMER_ID), ("provider", PROVIDER_ID), ("station", STATION_ID),
    ):  # fmt: skip
        organisation.keep_copy(registered(kind, organisation_id), uow=uow, now=NOW)  # type: ignore[arg-type]
    uow.references.put_order(OrderCopy(ORDER_ID, "OR-2026-000001", CUSTOMER_ID, PROVIDER_ID))
    uow.references.put_settlement(SettlementCopy(SETTLEMENT_ID, "ST-2026-000001", "provider", PROVIDER_ID))
    return uow
