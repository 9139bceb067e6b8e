"""Rows ⇄ what organisations declare of control and shares between them, and reads of it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Connection, Table, Text, Uuid, or_, select
from sqlalchemy.dialects.postgresql import insert

from services.billing.adapters.tables import instant, metadata
from services.billing.domain.related_party import DeclaredRelation
from services.billing.use_cases.related_party import view
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.messages.billing.related_party import ListRelations, RelationPage

if TYPE_CHECKING:
    from services.billing.adapters.unit_of_work import BillingUnitOfWork

_TABLE = Table(
    "declared_relation",
    metadata,
    Column("relation_id", Uuid, primary_key=True),
    Column("owner_id", Uuid),
    Column("owned_id", Uuid),
    Column("kind", Text),
    Column("declared_by", Text),
    instant("declared_at"),
    Column("note", Text),
    instant("withdrawn_at"),
    Column("withdrawn_by", Text),
    Column("withdrawal_reason", Text),
)
_COLUMNS = _TABLE.c
_STANDS = _COLUMNS.withdrawn_at.is_(None)


class SqlRelations:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, relation: DeclaredRelation) -> DeclaredRelation:
        added = insert(_TABLE).values(vars(relation))
        # Changes nothing, and so answers and holds the one that stands.
        same = added.on_conflict_do_update(
            index_elements=["owner_id", "owned_id", "kind"], index_where=_STANDS, set_={"kind": added.excluded.kind}
        )
        return DeclaredRelation(**self.connection.execute(same.returning(_TABLE)).one()._mapping)

    def get(self, relation_id: UUID) -> DeclaredRelation:
        row = self.connection.execute(
            select(_TABLE).where(_COLUMNS.relation_id == relation_id).with_for_update()
        ).one_or_none()
        if row is None:
            raise NotFound
        return DeclaredRelation(**row._mapping)

    def save(self, relation: DeclaredRelation) -> None:
        self.connection.execute(
            _TABLE.update().where(_COLUMNS.relation_id == relation.relation_id).values(vars(relation))
        )

    def of(self, organisation_ids: Iterable[UUID]) -> Sequence[DeclaredRelation]:
        rows = self.connection.execute(
            select(_TABLE)
            .where(_STANDS, _stands_in(organisation_ids))
            .order_by(_COLUMNS.owner_id, _COLUMNS.owned_id, _COLUMNS.kind)
        )
        return [DeclaredRelation(**row._mapping) for row in rows]


def list_relations(query: ListRelations, *, actor: Actor, uow: "BillingUnitOfWork", now: datetime) -> RelationPage:
    del now
    statement = select(_TABLE)
    if require(actor, query.grants, {"self": actor.organisation_id}) == "self":
        statement = statement.where(_stands_in([actor.organisation_id]))
    if query.organisation_id is not None:
        statement = statement.where(_stands_in([query.organisation_id]))
    rows, cursor = page(
        uow.connection, statement, (_COLUMNS.declared_at, _COLUMNS.relation_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return RelationPage(items=tuple(view(DeclaredRelation(**row._mapping)) for row in rows), next_cursor=cursor)


def _stands_in(organisation_ids: Iterable[UUID]) -> ColumnElement[bool]:
    wanted = list(organisation_ids)
    return or_(_COLUMNS.owner_id.in_(wanted), _COLUMNS.owned_id.in_(wanted))
