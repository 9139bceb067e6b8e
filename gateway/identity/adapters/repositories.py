"""Rows ⇄ aggregates."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from gateway.identity.adapters import tables
from gateway.identity.domain.api_key import ApiKey
from gateway.identity.domain.member import MailTaken, Member
from gateway.identity.domain.organisation import AlreadyRegistered, BankAccount, OperatorExists, Organisation
from services.shared.chassis.database import save_versioned
from services.shared.kernel.errors import NotFound
from services.shared.kernel.tax import TaxProfile


class SqlOrganisations:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, organisation: Organisation) -> None:
        values = organisation_row(organisation) | {"number": func.next_number("ORG", organisation.registered_at)}
        number = self.connection.execute(
            insert(tables.organisation).values(values).on_conflict_do_nothing().returning(tables.organisation.c.number)
        ).scalar_one_or_none()
        if number is None:
            raise OperatorExists if organisation.kind == "operator" else AlreadyRegistered
        organisation.number = number

    def get(self, organisation_id: UUID) -> Organisation:
        table = tables.organisation
        row = self.connection.execute(
            select(table).where(table.c.organisation_id == organisation_id).with_for_update()
        ).one_or_none()
        if row is None:
            raise NotFound
        return organisation_of(row)

    def save(self, organisation: Organisation) -> None:
        key = {"organisation_id": organisation.organisation_id}
        save_versioned(self.connection, tables.organisation, key, organisation_row(organisation))


class SqlMembers:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, member: Member) -> None:
        statement = insert(tables.member).values({**vars(member), "roles": list(member.roles)})
        if self.connection.execute(statement.on_conflict_do_nothing()).rowcount == 0:
            raise MailTaken

    def get(self, member_id: UUID) -> Member:
        found = self._one(tables.member.c.member_id == member_id)
        if found is None:
            raise NotFound
        return found

    def by_link(self, sha256: str) -> Member | None:
        return self._one(tables.member.c.link_sha256 == sha256)

    def of(self, organisation_id: UUID) -> list[Member]:
        table = tables.member
        statement = select(table).where(table.c.organisation_id == organisation_id, table.c.state != "removed")
        return [member_of(row) for row in self.connection.execute(statement)]

    def save(self, member: Member) -> None:
        values = {**vars(member), "roles": list(member.roles)}
        save_versioned(self.connection, tables.member, {"member_id": member.member_id}, values)

    def end_sessions(self, member_id: UUID) -> None:
        self.connection.execute(delete(tables.session).where(tables.session.c.member_id == member_id))

    def _one(self, condition: Any) -> Member | None:
        row = self.connection.execute(select(tables.member).where(condition).with_for_update()).one_or_none()
        return member_of(row) if row is not None else None


class SqlApiKeys:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, key: ApiKey) -> None:
        self.connection.execute(insert(tables.api_key).values({**vars(key), "roles": list(key.roles)}))

    def get(self, api_key_id: UUID) -> ApiKey:
        table = tables.api_key
        row = self.connection.execute(
            select(table).where(table.c.api_key_id == api_key_id).with_for_update()
        ).one_or_none()
        if row is None:
            raise NotFound
        return ApiKey(**{**row._mapping, "roles": tuple(row.roles)})

    def save(self, key: ApiKey) -> None:
        table = tables.api_key
        self.connection.execute(
            table.update().where(table.c.api_key_id == key.api_key_id).values(revoked_at=key.revoked_at)
        )


def organisation_row(organisation: Organisation) -> dict[str, Any]:
    account = organisation.bank_account
    profile = organisation.tax_profile
    return {
        **vars(organisation),
        "tax_profile": {"taxpayer": profile.taxpayer, "can_issue_special": profile.can_issue_special},
        "bank_account": vars(account) if account is not None else None,
    }


def organisation_of(row: Any) -> Organisation:
    fields = dict(row._mapping)
    account = fields["bank_account"]
    return Organisation(
        **{
            **fields,
            "tax_profile": TaxProfile(**fields["tax_profile"]),
            "bank_account": BankAccount(**account) if account is not None else None,
        }
    )


def member_of(row: Any) -> Member:
    fields = dict(row._mapping)
    return Member(**{**fields, "roles": tuple(fields["roles"])})
