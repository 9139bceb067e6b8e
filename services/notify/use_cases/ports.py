"""What notify's use cases need from outside."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from services.notify.domain.member import Language, MemberCopy
from services.notify.domain.notification import Notification, Words
from services.notify.domain.organisation import OrganisationCopy
from services.notify.domain.reference import OrderCopy, SettlementCopy
from services.notify.domain.webhook_endpoint import Delivery, WebhookEndpoint
from services.shared.messages.base import Event


class Organisations(Protocol):
    def put(self, organisation: OrganisationCopy) -> None: ...

    def known(self, organisation_ids: Collection[UUID]) -> dict[UUID, OrganisationCopy]:
        """Those of *organisation_ids* whose copy is here, and the operating company."""


class Members(Protocol):
    def put(self, member: MemberCopy) -> None: ...

    def remove(self, member_id: UUID, organisation_id: UUID) -> None: ...

    def holding(self, organisation_id: UUID, roles: Collection[str]) -> list[MemberCopy]:
        """Members of the organisation who hold one of *roles*."""


class References(Protocol):
    def put_order(self, order: OrderCopy) -> None: ...

    def order(self, order_id: UUID) -> OrderCopy | None: ...

    def put_settlement(self, settlement: SettlementCopy) -> None: ...

    def settlement(self, settlement_id: UUID) -> SettlementCopy | None: ...


class Notifications(Protocol):
    def add(self, notification: Notification) -> bool:
        """Store it. False: it is there already, and was told."""


class Texts(Protocol):
    def words(self, kind: str, language: Language, facts: Mapping[str, Any]) -> Words: ...


@dataclass(frozen=True)
class FeedRow:
    """*type*: wire name; *body*: the CloudEvent's bytes, as they are pulled and pushed for ever."""

    view: str
    sequence: int
    event_id: UUID
    type: str
    body: bytes
    created_at: datetime


class Feed(Protocol):
    def number(self, views: Sequence[str], event_id: UUID) -> dict[str, int]:
        """
        The next number in each of *views*, locked in that order until the end of the transaction.

        Views that hold the event already are left out.
        """

    def add(self, rows: Sequence[FeedRow]) -> list[UUID]:
        """Store *rows* and a delivery for each endpoint that wants one. Returns those endpoints."""


class WebhookEndpoints(Protocol):
    def add(self, endpoint: WebhookEndpoint) -> None: ...

    def get(self, webhook_endpoint_id: UUID) -> WebhookEndpoint:
        """Locked until the end of the transaction. Raises NotFound."""

    def find_free(self, webhook_endpoint_id: UUID) -> WebhookEndpoint | None:
        """Likewise, but none where somebody else holds it now."""

    def save(self, endpoint: WebhookEndpoint) -> None: ...


class WebhookDeliveries(Protocol):
    def get(self, delivery_id: UUID) -> Delivery: ...

    def next_for(self, webhook_endpoint_id: UUID, horizon: datetime) -> Delivery | None:
        """The pending one that comes first in the view among those due by *horizon*; else the one due first."""

    def save(self, delivery: Delivery) -> None: ...

    def give_up_pending(self, webhook_endpoint_id: UUID, problem: str) -> None: ...


class Because(Protocol):
    """*causation_id*: of the event that is being handled; *occurred_at*: its time."""

    @property
    def causation_id(self) -> str: ...

    @property
    def occurred_at(self) -> datetime | None: ...


class NotifyUnitOfWork(Protocol):
    @property
    def cause(self) -> Because: ...

    @property
    def organisations(self) -> Organisations: ...

    @property
    def members(self) -> Members: ...

    @property
    def references(self) -> References: ...

    @property
    def notifications(self) -> Notifications: ...

    @property
    def texts(self) -> Texts: ...

    @property
    def feed(self) -> Feed: ...

    @property
    def webhook_endpoints(self) -> WebhookEndpoints: ...

    @property
    def webhook_deliveries(self) -> WebhookDeliveries: ...

    def publish(self, event: Event) -> UUID: ...

    def call_outside(self, kind: str, key: str, payload: Mapping[str, Any]) -> None: ...

    def set_timer(self, kind: str, subject: object, due_at: datetime) -> None: ...
