"""Rows ⇄ providers and the copies of organisations."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from services.catalog.adapters import tables
from services.catalog.domain.organisation import OrganisationCopy
from services.catalog.domain.provider import AlreadyApplied, Provider
from services.shared.chassis.database import save_versioned
from services.shared.kernel.errors import NotFound


class SqlOrganisations:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def put(self, organisation: OrganisationCopy) -> None:
        values = vars(organisation)
        self.connection.execute(
            insert(tables.organisation)
            .values(values)
            .on_conflict_do_update(index_elements=["organisation_id"], set_=values)
        )

    def find(self, organisation_id: UUID) -> OrganisationCopy | None:
        row = self.connection.execute(
            select(tables.organisation).where(tables.organisation.c.organisation_id == organisation_id)
        ).one_or_none()
        return OrganisationCopy(**row._mapping) if row is not None else None


class SqlProviders:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, provider: Provider) -> None:
        values = _row(provider) | {"number": func.next_number("PR", provider.applied_at)}
        number = self.connection.execute(
            insert(tables.provider).values(values).on_conflict_do_nothing().returning(tables.provider.c.number)
        ).scalar_one_or_none()
        if number is None:
            raise AlreadyApplied
        provider.number = number

    def get(self, provider_id: UUID) -> Provider:
        provider, agreement = tables.provider, tables.framework_agreement
        row = self.connection.execute(
            select(provider, func.coalesce(agreement.c.number, "").label("framework_agreement_number"))
            .join(agreement, agreement.c.provider_id == provider.c.provider_id, isouter=True)
            .where(provider.c.provider_id == provider_id)
            .with_for_update(of=provider)
        ).one_or_none()
        if row is None:
            raise NotFound
        return provider_of(row._mapping)

    def find_unchanging(self, provider_id: UUID) -> Provider | None:
        row = self.connection.execute(
            select(tables.provider).where(tables.provider.c.provider_id == provider_id).with_for_update(read=True)
        ).one_or_none()
        return provider_of(row._mapping) if row is not None else None

    def next_agreement_number(self, now: datetime) -> str:
        return str(self.connection.execute(select(func.next_number("FA", now))).scalar_one())

    def save(self, provider: Provider) -> None:
        save_versioned(self.connection, tables.provider, {"provider_id": provider.provider_id}, _row(provider))
        number = provider.framework_agreement_number
        if number:
            self.connection.execute(
                insert(tables.framework_agreement)
                .values(provider_id=provider.provider_id, number=number)
                .on_conflict_do_update(index_elements=["provider_id"], set_={"number": number})
            )


def _row(provider: Provider) -> dict[str, Any]:
    values = {column.name: getattr(provider, column.name) for column in tables.provider.c}
    return {**values, "entry_standards": list(provider.entry_standards)}


def provider_of(fields: Mapping[Any, Any]) -> Provider:
    """The provider whose columns *fields* are."""
    return Provider(**{**fields, "entry_standards": tuple(fields["entry_standards"])})
