"""Reads of claims: SQL → view; and what reads of subsidies have in common with them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, or_, select

from services.billing.adapters import voucher_tables as tables
from services.billing.adapters.claim_repositories import claim_of
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.domain.claim import Claim, Reviewed
from services.billing.use_cases import claim
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, Parties, require
from services.shared.kernel.errors import NotFound
from services.shared.messages.billing.claim import ClaimPack, ClaimPage, ClaimView, GetClaim, GetClaimPack, ListClaims
from services.shared.messages.billing.subsidy import ListSubsidies


def get_claim(query: GetClaim, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> ClaimView:
    del now
    return claim.view(_readable(query, actor, uow))


def get_claim_pack(
    query: GetClaimPack, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, download_url: Callable[[str, str], str]
) -> ClaimPack:
    """*download_url*: see `pack_link`."""
    del now
    return pack_link(_readable(query, actor, uow), download_url)


def pack_link(found: Reviewed, download_url: Callable[[str, str], str]) -> ClaimPack:
    """*download_url*: key and file name → where the holder may fetch it."""
    filename = f"{found.number}.zip"
    return ClaimPack(
        url=download_url(found.pack_key, filename) if found.pack_key is not None else None,
        sha256=found.pack_sha256,
        size_bytes=found.pack_size,
        filename=filename,
    )


def list_claims(query: ListClaims, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> ClaimPage:
    del now
    rows, cursor = newest(query, tables.claim.c.claim_id, tables.claim.c.claimant_id, actor, uow)
    return ClaimPage(items=tuple(claim.view(claim_of(row)) for row in rows), next_cursor=cursor)


def newest(
    query: ListClaims | ListSubsidies, key: Column[UUID], claimant: Column[UUID], actor: Actor, uow: BillingUnitOfWork
) -> tuple[list[Any], str | None]:
    """A page of *key*'s table, newest first: all for the company, else what the asker claims or its programmes pay."""
    relation = require(actor, query.grants, _claiming(actor, actor.organisation_id))
    table = key.table
    statement = select(table)
    if relation == "self":
        own = select(tables.programme.c.programme_id).where(tables.programme.c.authority_id == actor.organisation_id)
        statement = statement.where(or_(claimant == actor.organisation_id, table.c.programme_id.in_(own)))
    if query.state is not None:
        statement = statement.where(table.c.state == query.state)
    if query.programme_id is not None:
        statement = statement.where(table.c.programme_id == query.programme_id)
    return page(
        uow.connection, statement, (table.c.submitted_at, key), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip


def _readable(query: GetClaim | GetClaimPack, actor: Actor, uow: BillingUnitOfWork) -> Claim:
    row: Any = uow.connection.execute(
        select(tables.claim, tables.programme.c.authority_id)
        .join(tables.programme, tables.programme.c.programme_id == tables.claim.c.programme_id)
        .where(tables.claim.c.claim_id == query.claim_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    require(actor, query.grants, {**_claiming(actor, row.claimant_id), "authority": row.authority_id})
    return claim_of(row)


def _claiming(actor: Actor, claimant_id: UUID) -> Parties:
    """What the company claims is read by those of its staff who are named, not by everybody who belongs to it."""
    return {} if actor.operator else {"self": claimant_id}
