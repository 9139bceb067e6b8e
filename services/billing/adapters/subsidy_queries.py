"""Reads of subsidies: SQL → view."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from services.billing.adapters import voucher_tables as tables
from services.billing.adapters.subsidy_repositories import subsidy_of
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.domain.subsidy import Subsidy
from services.billing.use_cases import subsidy
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, Parties, require
from services.shared.kernel.errors import NotFound
from services.shared.messages.billing.claim import ClaimPack
from services.shared.messages.billing.subsidy import (
    GetSubsidy,
    GetSubsidyPack,
    ListSubsidies,
    SubsidyPage,
    SubsidyView,
)


def get_subsidy(query: GetSubsidy, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> SubsidyView:
    del now
    found = _readable(query, actor, uow)
    return subsidy.view(found, uow.subsidies.orders_of(found.subsidy_id))


def get_subsidy_pack(
    query: GetSubsidyPack, *, actor: Actor, uow: BillingUnitOfWork, now: datetime,
    download_url: Callable[[str, str], str],
) -> ClaimPack:  # fmt: skip
    """*download_url*: key and file name → where the holder may fetch it."""
    del now
    found = _readable(query, actor, uow)
    filename = f"{found.number}.zip"
    return ClaimPack(
        url=download_url(found.pack_key, filename) if found.pack_key is not None else None,
        sha256=found.pack_sha256,
        size_bytes=found.pack_size,
        filename=filename,
    )


def list_subsidies(query: ListSubsidies, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> SubsidyPage:
    del now
    asker: Parties = {} if actor.operator else {"self": actor.organisation_id}
    relation = require(actor, query.grants, asker)
    table = tables.subsidy
    statement = select(table)
    if relation == "self":
        own = select(tables.programme.c.programme_id).where(tables.programme.c.authority_id == actor.organisation_id)
        statement = statement.where(or_(table.c.provider_id == actor.organisation_id, table.c.programme_id.in_(own)))
    if query.state is not None:
        statement = statement.where(table.c.state == query.state)
    if query.programme_id is not None:
        statement = statement.where(table.c.programme_id == query.programme_id)
    rows, cursor = page(
        uow.connection, statement, (table.c.submitted_at, table.c.subsidy_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return SubsidyPage(items=tuple(subsidy.view(subsidy_of(row)) for row in rows), next_cursor=cursor)


def _readable(query: GetSubsidy | GetSubsidyPack, actor: Actor, uow: BillingUnitOfWork) -> Subsidy:
    row: Any = uow.connection.execute(
        select(tables.subsidy, tables.programme.c.authority_id)
        .join(tables.programme, tables.programme.c.programme_id == tables.subsidy.c.programme_id)
        .where(tables.subsidy.c.subsidy_id == query.subsidy_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    require(actor, query.grants, {"provider": row.provider_id, "authority": row.authority_id})
    return subsidy_of(row)
