"""Rows ⇄ copies and notifications."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from services.notify.adapters import tables
from services.notify.domain.member import MemberCopy
from services.notify.domain.notification import Notification
from services.notify.domain.organisation import OrganisationCopy
from services.notify.domain.reference import OrderCopy, SettlementCopy


class SqlOrganisations:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def put(self, organisation: OrganisationCopy) -> None:
        values = vars(organisation)
        self.connection.execute(
            insert(tables.organisation)
            .values(values)
            .on_conflict_do_update(index_elements=["organisation_id"], set_=values)
        )

    def known(self, organisation_ids: Collection[UUID]) -> dict[UUID, OrganisationCopy]:
        table = tables.organisation
        rows = self.connection.execute(
            select(table)
            .where(table.c.organisation_id.in_(organisation_ids) | (table.c.kind == "operator"))
            .order_by(table.c.organisation_id)
        )
        return {row.organisation_id: OrganisationCopy(**row._mapping) for row in rows}


class SqlMembers:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def put(self, member: MemberCopy) -> None:
        values = {**vars(member), "roles": list(member.roles)}
        self.connection.execute(
            insert(tables.member)
            .values(values)
            .on_conflict_do_update(index_elements=["organisation_id", "member_id"], set_=values)
        )

    def remove(self, member_id: UUID, organisation_id: UUID) -> None:
        table = tables.member
        self.connection.execute(
            delete(table).where(table.c.member_id == member_id, table.c.organisation_id == organisation_id)
        )

    def holding(self, organisation_id: UUID, roles: Collection[str]) -> list[MemberCopy]:
        table = tables.member
        rows = self.connection.execute(
            select(table)
            .where(table.c.organisation_id == organisation_id, table.c.roles.overlap(list(roles)))
            .order_by(table.c.member_id)
        )
        return [MemberCopy(**{**row._mapping, "roles": tuple(row.roles)}) for row in rows]


# Made once: an insert made anew for each order costs as much as running it.
_PUT_ORDER = insert(tables.order).on_conflict_do_nothing()
_PUT_SETTLEMENT = insert(tables.settlement).on_conflict_do_nothing()


class SqlReferences:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def put_order(self, order: OrderCopy) -> None:
        self.connection.execute(_PUT_ORDER, vars(order))

    def order(self, order_id: UUID) -> OrderCopy | None:
        row = self.connection.execute(select(tables.order).where(tables.order.c.order_id == order_id)).one_or_none()
        return OrderCopy(**row._mapping) if row is not None else None

    def put_settlement(self, settlement: SettlementCopy) -> None:
        self.connection.execute(_PUT_SETTLEMENT, vars(settlement))

    def settlement(self, settlement_id: UUID) -> SettlementCopy | None:
        row = self.connection.execute(
            select(tables.settlement).where(tables.settlement.c.settlement_id == settlement_id)
        ).one_or_none()
        return SettlementCopy(**row._mapping) if row is not None else None


class SqlNotifications:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, notification: Notification) -> bool:
        words = notification.words
        return (
            self.connection.execute(
                insert(tables.notification)
                .values(
                    notification_id=notification.notification_id,
                    organisation_id=notification.organisation_id,
                    kind=notification.kind,
                    subject_zh=words["zh"].subject,
                    body_zh=words["zh"].body,
                    subject_en=words["en"].subject,
                    body_en=words["en"].body,
                    link=notification.link,
                    created_at=notification.created_at,
                )
                .on_conflict_do_nothing()
            ).rowcount
            == 1
        )
