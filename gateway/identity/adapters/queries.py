"""Reads of identity: SQL → view, no aggregate in between."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, select

from gateway.identity.adapters import tables
from gateway.identity.adapters.repositories import member_of, organisation_of
from gateway.identity.adapters.unit_of_work import IdentityUnitOfWork
from gateway.identity.use_cases import member as members
from gateway.identity.use_cases.organisation import told
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.messages.identity.api_key import ApiKeyPage, ApiKeyView, ListApiKeys
from services.shared.messages.identity.member import ListMembers, MemberPage
from services.shared.messages.identity.organisation import (
    GetOrganisation,
    ListOrganisations,
    OrganisationPage,
    OrganisationView,
)


def get_organisation(
    query: GetOrganisation, *, actor: Actor, uow: IdentityUnitOfWork, now: datetime
) -> OrganisationView:
    del now
    require(actor, query.grants, {"self": query.organisation_id})
    table = tables.organisation
    row = uow.connection.execute(select(table).where(table.c.organisation_id == query.organisation_id)).one_or_none()
    if row is None:
        raise NotFound
    return OrganisationView(organisation=told(organisation_of(row)))


def list_organisations(
    query: ListOrganisations, *, actor: Actor, uow: IdentityUnitOfWork, now: datetime
) -> OrganisationPage:
    del now
    require(actor, query.grants, {})
    table = tables.organisation
    statement = select(table)
    if query.kind is not None:
        statement = statement.where(table.c.kind == query.kind)
    if query.verified is not None:
        statement = statement.where(table.c.verified == query.verified)
    rows, cursor = page(
        uow.connection, statement, (table.c.registered_at, table.c.organisation_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID),
    )  # fmt: skip
    return OrganisationPage(items=tuple(told(organisation_of(row)) for row in rows), next_cursor=cursor)


def list_members(query: ListMembers, *, actor: Actor, uow: IdentityUnitOfWork, now: datetime) -> MemberPage:
    del now
    require(actor, query.grants, {"self": query.organisation_id})
    table = tables.member
    statement = select(table).where(table.c.organisation_id == query.organisation_id)
    rows, cursor = page(
        uow.connection, statement, (table.c.invited_at, table.c.member_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID),
    )  # fmt: skip
    return MemberPage(items=tuple(members.view(member_of(row)) for row in rows), next_cursor=cursor)


def list_api_keys(query: ListApiKeys, *, actor: Actor, uow: IdentityUnitOfWork, now: datetime) -> ApiKeyPage:
    del now
    require(actor, query.grants, {"self": actor.organisation_id})
    table = tables.api_key
    statement = select(table).where(table.c.organisation_id == actor.organisation_id)
    rows, cursor = page(
        uow.connection, statement, (table.c.created_at, table.c.api_key_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return ApiKeyPage(items=tuple(_api_key(row) for row in rows), next_cursor=cursor)


def _api_key(row: Any) -> ApiKeyView:
    fields = {name: getattr(row, name) for name in ApiKeyView.model_fields}
    return ApiKeyView(**{**fields, "roles": tuple(row.roles)})


@dataclass(frozen=True)
class Holder:
    """Who holds a token. *language*: of a person; none for a machine."""

    actor: Actor
    name: str
    language: Literal["zh", "en"] | None


def holder_of_key(connection: Connection, sha256: str) -> Holder | None:
    """Whose API key it is; none when nobody's (any more)."""
    key, organisation = tables.api_key, tables.organisation
    row = connection.execute(
        select(key.c.name, key.c.roles, key.c.created_by, organisation.c.organisation_id, organisation.c.kind)
        .join(organisation, organisation.c.organisation_id == key.c.organisation_id)
        .where(key.c.secret_sha256 == sha256, key.c.revoked_at.is_(None))
    ).one_or_none()
    if row is None:
        return None
    # A key acts with the hand of who made it: two keys of one person are not four eyes.
    actor = Actor(row.organisation_id, frozenset(row.roles), row.created_by, "machine", operator=row.kind == "operator")
    return Holder(actor, row.name, None)


def holder_of_session(connection: Connection, sha256: str, wall: datetime) -> Holder | None:
    """Whose session it is; none when nobody's, or when it is over at *wall*."""
    session, member, organisation = tables.session, tables.member, tables.organisation
    row = connection.execute(
        select(
            member.c.member_id, member.c.name, member.c.language, member.c.roles,
            organisation.c.organisation_id, organisation.c.kind,
        )
        .join(member, member.c.member_id == session.c.member_id)
        .join(organisation, organisation.c.organisation_id == member.c.organisation_id)
        .where(session.c.token_sha256 == sha256, session.c.expires_at > wall, member.c.state == "joined")
    ).one_or_none()  # fmt: skip
    if row is None:
        return None
    actor = Actor(row.organisation_id, frozenset(row.roles), row.member_id, "member", operator=row.kind == "operator")
    return Holder(actor, row.name, row.language)
