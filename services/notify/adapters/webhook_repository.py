"""Rows ⇄ webhook endpoints and deliveries."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, case, func, select
from sqlalchemy.dialects.postgresql import insert

from services.notify.adapters import tables
from services.notify.domain.webhook_endpoint import Delivery, WebhookEndpoint
from services.shared.kernel.errors import NotFound


class SqlWebhookEndpoints:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, endpoint: WebhookEndpoint) -> None:
        self.connection.execute(insert(tables.webhook_endpoint).values(_endpoint_row(endpoint)))

    def get(self, webhook_endpoint_id: UUID) -> WebhookEndpoint:
        table = tables.webhook_endpoint
        row = self.connection.execute(
            select(table).where(table.c.webhook_endpoint_id == webhook_endpoint_id).with_for_update()
        ).one_or_none()
        if row is None:
            raise NotFound
        return endpoint_of(row)

    def find_free(self, webhook_endpoint_id: UUID) -> WebhookEndpoint | None:
        table = tables.webhook_endpoint
        row = self.connection.execute(
            select(table).where(table.c.webhook_endpoint_id == webhook_endpoint_id).with_for_update(skip_locked=True)
        ).one_or_none()
        return endpoint_of(row) if row is not None else None

    def save(self, endpoint: WebhookEndpoint) -> None:
        table = tables.webhook_endpoint
        self.connection.execute(
            table.update()
            .where(table.c.webhook_endpoint_id == endpoint.webhook_endpoint_id)
            .values(_endpoint_row(endpoint))
        )


class SqlWebhookDeliveries:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def get(self, delivery_id: UUID) -> Delivery:
        table = tables.webhook_delivery
        row = self.connection.execute(select(table).where(table.c.delivery_id == delivery_id)).one_or_none()
        if row is None:
            raise NotFound
        return Delivery(**row._mapping)

    def next_for(self, webhook_endpoint_id: UUID, horizon: datetime) -> Delivery | None:
        table = tables.webhook_delivery
        due = func.coalesce(table.c.next_attempt_at, table.c.created_at)
        row = self.connection.execute(
            select(table)
            .where(table.c.webhook_endpoint_id == webhook_endpoint_id, table.c.state == "pending")
            .order_by(due > horizon, case((due <= horizon, table.c.sequence)), due, table.c.sequence)
            .limit(1)
        ).one_or_none()
        return Delivery(**row._mapping) if row is not None else None

    def save(self, delivery: Delivery) -> None:
        table = tables.webhook_delivery
        self.connection.execute(
            table.update().where(table.c.delivery_id == delivery.delivery_id).values(vars(delivery))
        )

    def give_up_pending(self, webhook_endpoint_id: UUID, problem: str) -> None:
        table = tables.webhook_delivery
        self.connection.execute(
            table.update()
            .where(table.c.webhook_endpoint_id == webhook_endpoint_id, table.c.state == "pending")
            .values(state="failed", last_problem=problem, next_attempt_at=None)
        )


def endpoint_of(row: Any) -> WebhookEndpoint:
    """The aggregate behind *row* of the table `webhook_endpoint`."""
    return WebhookEndpoint(**{**row._mapping, "types": tuple(row.types)})


def _endpoint_row(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {**vars(endpoint), "types": list(endpoint.types)}
