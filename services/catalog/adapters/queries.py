"""Reads of catalog: SQL → view, no aggregate in between."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from services.catalog.adapters import tables
from services.catalog.adapters.unit_of_work import CatalogUnitOfWork
from services.catalog.domain.offering import price_at
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, relations_of, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.times import working_days
from services.shared.messages.catalog.offering import (
    GetOffering,
    ListOfferings,
    OfferingContent,
    OfferingPage,
    OfferingView,
    Price,
)
from services.shared.messages.catalog.provider import GetProvider, ListProviders, ProviderPage, ProviderView


def get_provider(query: GetProvider, *, actor: Actor, uow: CatalogUnitOfWork, now: datetime) -> ProviderView:
    del now
    require(actor, query.grants, {"provider": query.provider_id})
    row = uow.connection.execute(_providers().where(tables.provider.c.provider_id == query.provider_id)).one_or_none()
    if row is None:
        raise NotFound
    return _provider_view(row)


def list_providers(query: ListProviders, *, actor: Actor, uow: CatalogUnitOfWork, now: datetime) -> ProviderPage:
    del now
    require(actor, query.grants, {})
    table = tables.provider
    statement = _providers()
    if query.state is not None:
        statement = statement.where(table.c.state == query.state)
    items, cursor = page(
        uow.connection, statement, (table.c.applied_at, table.c.provider_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID),
    )  # fmt: skip
    return ProviderPage(items=tuple(_provider_view(row) for row in items), next_cursor=cursor)


def get_offering(query: GetOffering, *, actor: Actor, uow: CatalogUnitOfWork, now: datetime) -> OfferingView:
    require(actor, query.grants, {})
    row = uow.connection.execute(_offerings().where(tables.offering.c.offering_id == query.offering_id)).one_or_none()
    if row is None:
        raise NotFound
    insiders = {"provider", "operator"} & relations_of(actor, {"provider": row.provider_id})
    if row.state != "published" and not insiders and actor.kind != "system":
        raise NotFound
    return _offering_view(row, now)


def list_offerings(query: ListOfferings, *, actor: Actor, uow: CatalogUnitOfWork, now: datetime) -> OfferingPage:
    relation = require(actor, query.grants, {"self": actor.organisation_id})
    table = tables.offering
    statement = _offerings()
    if relation == "self":
        statement = statement.where(table.c.provider_id == actor.organisation_id)
    if query.state is not None:
        statement = statement.where(table.c.state == query.state)
    items, cursor = page(
        uow.connection, statement, (table.c.drafted_at, table.c.offering_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID),
    )  # fmt: skip
    return OfferingPage(items=tuple(_offering_view(row, now) for row in items), next_cursor=cursor)


def _providers() -> Select[Any]:
    provider, agreement = tables.provider, tables.framework_agreement
    return select(*provider.c, func.coalesce(agreement.c.number, "").label("framework_agreement_number")).join(
        agreement, agreement.c.provider_id == provider.c.provider_id, isouter=True
    )


def _offerings() -> Select[Any]:
    offering, provider = tables.offering, tables.provider
    return select(
        *offering.c,
        provider.c.name_zh.label("provider_name_zh"),
        provider.c.name_en.label("provider_name_en"),
        provider.c.region,
    ).join(provider, provider.c.provider_id == offering.c.provider_id)


def _offering_view(row: Any, now: datetime) -> OfferingView:
    prices = price_list(row.prices)
    return OfferingView(
        offering_id=row.offering_id,
        number=row.number,
        provider_id=row.provider_id,
        provider_name_zh=row.provider_name_zh,
        provider_name_en=row.provider_name_en,
        region=row.region,
        state=row.state,
        content=OfferingContent.model_validate(
            {**row.content, "turnaround_working_days": working_days(row.content["turnaround_days"])}, strict=False
        ),
        prices=prices,
        price=price_at(prices, now),
        reason=row.reason,
    )


def price_list(stored: Iterable[Any]) -> tuple[Price, ...]:
    """A price list as it is stored, as it is told."""
    return tuple(Price.model_validate(entry, strict=False) for entry in stored)


def _provider_view(row: Any) -> ProviderView:
    fields = dict(row._mapping)
    del fields["version"]
    return ProviderView(**{**fields, "entry_standards": tuple(fields["entry_standards"])})
