"""Reads of programmes and vouchers: SQL → view."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from services.billing.adapters import voucher_tables as tables
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.adapters.voucher_repositories import use_of, version_of
from services.billing.domain.programme import Programme, ProgrammeVersion
from services.billing.domain.voucher import Voucher
from services.billing.use_cases import programme, voucher
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, Parties, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.money import Money
from services.shared.messages.billing.programme import GetProgramme, ListProgrammes, ProgrammePage, ProgrammeView
from services.shared.messages.billing.voucher import (
    GetVoucher,
    ListVouchers,
    VoucherPage,
    VoucherSummary,
    VoucherView,
)


def get_programme(query: GetProgramme, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> ProgrammeView:
    del now
    require(actor, query.grants, {})
    found = uow.programmes.find(query.programme_id)
    if found is None:
        raise NotFound
    return programme.view(found, uow.programmes.versions(found.programme_id))


def list_programmes(query: ListProgrammes, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> ProgrammePage:
    del now
    require(actor, query.grants, {})
    table = tables.programme
    rows, cursor = page(
        uow.connection, select(table), (table.c.code, table.c.programme_id), query.after, query.limit,
        read=(str, UUID),
    )  # fmt: skip
    versions = _versions_of([row.programme_id for row in rows], uow)
    return ProgrammePage(
        items=tuple(
            programme.view(Programme(**row._mapping), tuple(versions.get(row.programme_id, ()))) for row in rows
        ),
        next_cursor=cursor,
    )


def _versions_of(programme_ids: list[UUID], uow: BillingUnitOfWork) -> dict[UUID, list[ProgrammeVersion]]:
    table = tables.programme_version
    found: dict[UUID, list[ProgrammeVersion]] = {}
    for row in uow.connection.execute(select(table).where(table.c.programme_id.in_(programme_ids))):
        found.setdefault(row.programme_id, []).append(version_of(row))
    return found


def get_voucher(query: GetVoucher, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> VoucherView:
    del now
    row = uow.connection.execute(
        select(tables.voucher, tables.programme.c.authority_id)
        .join(tables.programme, tables.programme.c.programme_id == tables.voucher.c.programme_id)
        .where(tables.voucher.c.voucher_id == query.voucher_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    require(actor, query.grants, {"customer": row.holder_id, "authority": row.authority_id})
    uses = uow.connection.execute(
        select(tables.voucher_use)
        .where(tables.voucher_use.c.voucher_id == query.voucher_id)
        .order_by(tables.voucher_use.c.reserved_at.desc())
        .limit(1_000)
    )
    return voucher.view(_voucher(row), [use_of(use) for use in uses])


def list_vouchers(query: ListVouchers, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> VoucherPage:
    del now
    asker: Parties = {} if actor.operator else {"self": actor.organisation_id}
    relation = require(actor, query.grants, asker)
    table = tables.voucher
    statement = select(table)
    if relation == "self":
        own = select(tables.programme.c.programme_id).where(tables.programme.c.authority_id == actor.organisation_id)
        statement = statement.where(or_(table.c.holder_id == actor.organisation_id, table.c.programme_id.in_(own)))
    if query.programme_id is not None:
        statement = statement.where(table.c.programme_id == query.programme_id)
    rows, cursor = page(
        uow.connection, statement, (table.c.proposed_at, table.c.voucher_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return VoucherPage(items=tuple(_summary(_voucher(row)) for row in rows), next_cursor=cursor)


def _voucher(row: Any) -> Voucher:
    return Voucher(**{name: value for name, value in row._mapping.items() if name in tables.voucher.c})


def _summary(found: Voucher) -> VoucherSummary:
    return VoucherSummary(
        voucher_id=found.voucher_id,
        number=found.number,
        state=found.state,
        programme_id=found.programme_id,
        holder_id=found.holder_id,
        granted=Money(found.granted, found.currency),
        left=Money(found.left, found.currency),
        valid_until=found.valid_until,
    )
