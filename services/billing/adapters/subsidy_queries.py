"""Reads of subsidies: SQL → view."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from services.billing.adapters import voucher_tables as tables
from services.billing.adapters.claim_queries import newest, pack_link
from services.billing.adapters.subsidy_repositories import subsidy_of
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.domain.subsidy import Subsidy
from services.billing.use_cases import subsidy
from services.shared.kernel.actor import Actor, require
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
    """*download_url*: see `pack_link`."""
    del now
    return pack_link(_readable(query, actor, uow), download_url)


def list_subsidies(query: ListSubsidies, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> SubsidyPage:
    del now
    rows, cursor = newest(query, tables.subsidy.c.subsidy_id, tables.subsidy.c.provider_id, actor, uow)
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
