"""Rows ⇄ what parties declare of their size, and reads of it."""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Boolean, Column, Connection, Date, Integer, Table, Text, Uuid, select
from sqlalchemy.dialects.postgresql import insert

from services.billing.adapters.settlement_repositories import CLOSING_LOCK
from services.billing.adapters.tables import instant, metadata
from services.billing.domain.small_enterprise import SmallEnterprise
from services.billing.use_cases.small_enterprise import view
from services.shared.chassis.database import save_versioned
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.messages.billing.small_enterprise import ListSmallEnterprises, SmallEnterprisePage

if TYPE_CHECKING:
    from services.billing.adapters.unit_of_work import BillingUnitOfWork

_TABLE = Table(
    "small_enterprise",
    metadata,
    Column("declaration_id", Uuid, primary_key=True),
    Column("organisation_id", Uuid),
    Column("state", Text),
    Column("is_small", Boolean),
    Column("since", Date),
    instant("declared_at"),
    Column("declared_by", Text),
    instant("decided_at"),
    Column("decided_by", Text),
    Column("version", Integer),
)


class SqlSmallEnterprises:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def hold_closing(self) -> None:
        self.connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (CLOSING_LOCK,))

    def add(self, declared: SmallEnterprise) -> None:
        self.connection.execute(insert(_TABLE).values(vars(declared)))

    def get(self, declaration_id: UUID) -> SmallEnterprise:
        row = self.connection.execute(
            select(_TABLE).where(_TABLE.c.declaration_id == declaration_id).with_for_update()
        ).one_or_none()
        if row is None:
            raise NotFound
        return SmallEnterprise(**row._mapping)

    def save(self, declared: SmallEnterprise) -> None:
        save_versioned(self.connection, _TABLE, {"declaration_id": declared.declaration_id}, vars(declared))


def list_small_enterprises(
    query: ListSmallEnterprises, *, actor: Actor, uow: "BillingUnitOfWork", now: datetime
) -> SmallEnterprisePage:
    del now
    statement = select(_TABLE)
    if require(actor, query.grants, {"self": actor.organisation_id}) == "self":
        statement = statement.where(_TABLE.c.organisation_id == actor.organisation_id)
    if query.state is not None:
        statement = statement.where(_TABLE.c.state == query.state)
    rows, cursor = page(
        uow.connection, statement, (_TABLE.c.declared_at, _TABLE.c.declaration_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return SmallEnterprisePage(items=tuple(view(SmallEnterprise(**row._mapping)) for row in rows), next_cursor=cursor)
