"""Collection agreements: rows ⇄ aggregates, and their list."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from services.orders.adapters import tables
from services.orders.adapters.newest import newest, seen_by
from services.orders.adapters.rows import Rows
from services.orders.domain.collection_agreement import CollectionAgreement, CollectionAgreementExists
from services.orders.use_cases import collection_agreement
from services.shared.chassis.unit_of_work import UnitOfWork
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotFound
from services.shared.messages.orders.collection_agreement import CollectionAgreementPage, ListCollectionAgreements

COLLECTION_AGREEMENT = Rows(CollectionAgreement, tables.collection_agreement)


class SqlCollectionAgreements:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, agreement: CollectionAgreement) -> None:
        statement = insert(tables.collection_agreement).values(COLLECTION_AGREEMENT.values(agreement))
        if not self.connection.execute(statement.on_conflict_do_nothing()).rowcount:
            raise CollectionAgreementExists

    def get(self, collection_agreement_id: UUID) -> CollectionAgreement:
        table = tables.collection_agreement
        row = self.connection.execute(
            select(table).where(table.c.collection_agreement_id == collection_agreement_id).with_for_update()
        ).one_or_none()
        if row is None:
            raise NotFound
        return COLLECTION_AGREEMENT.read(row)

    def save(self, agreement: CollectionAgreement) -> None:
        table = tables.collection_agreement
        values = COLLECTION_AGREEMENT.values(agreement)
        self.connection.execute(
            table.update()
            .where(table.c.collection_agreement_id == agreement.collection_agreement_id)
            .values({name: values[name] for name in ("state", "approved_at", "approved_by")})
        )

    def of_provider(self, provider_id: UUID) -> list[CollectionAgreement]:
        table = tables.collection_agreement
        rows = self.connection.execute(
            select(table).where(table.c.provider_id == provider_id, table.c.state == "approved")
        )
        return [COLLECTION_AGREEMENT.read(row) for row in rows]


def list_collection_agreements(
    query: ListCollectionAgreements, *, actor: Actor, uow: UnitOfWork, now: datetime
) -> CollectionAgreementPage:
    del now
    table = tables.collection_agreement
    conditions = [table.c.provider_id == query.provider_id] if query.provider_id is not None else []
    branches = seen_by(actor, query.grants, table, ("provider",), conditions)
    rows, cursor = newest(
        uow.connection, branches, ("valid_from", "collection_agreement_id"), query.after, query.limit
    )  # fmt: skip
    return CollectionAgreementPage(
        items=tuple(collection_agreement.view(COLLECTION_AGREEMENT.read(row)) for row in rows), next_cursor=cursor
    )
