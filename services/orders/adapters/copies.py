"""Copies of other services' facts: rows ⇄ what the domain decides by."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from services.orders.adapters import tables
from services.orders.adapters.collection_agreements import COLLECTION_AGREEMENT
from services.orders.adapters.rows import Rows
from services.orders.domain.commission import CommissionPlanCopy, ReferralCopy
from services.orders.domain.credit import CreditLineCopy
from services.orders.domain.offering import OfferingCopy
from services.orders.domain.organisation import DEFAULT_COMPANY_RATE_BPS, OrganisationCopy
from services.orders.domain.provider import ProviderCopy
from services.orders.use_cases.ports import Shelf
from services.shared.kernel.tax import RATE_BPS

ORGANISATION = Rows(OrganisationCopy, tables.organisation)
PROVIDER = Rows(ProviderCopy, tables.provider)
OFFERING = Rows(OfferingCopy, tables.offering)
PLAN = Rows(CommissionPlanCopy, tables.commission_plan)
REFERRAL = Rows(ReferralCopy, tables.referral)
CREDIT_LINE = Rows(CreditLineCopy, tables.credit_line)

COMPANY_TAXPAYER = (
    "SELECT tax_profile ->> 'taxpayer' FROM organisation WHERE kind = 'operator'"
    " ORDER BY registered_at, organisation_id LIMIT 1"
)

# One row per offering that is known; the company's taxpayer kind comes along even when none is.
SHELF = f"""
SELECT o.*, p.sells AS provider_sells, company.taxpayer,
  (SELECT jsonb_agg(to_jsonb(a)) FROM collection_agreement a
   WHERE a.provider_id = o.provider_id AND a.state = 'approved') AS agreements
FROM (SELECT ({COMPANY_TAXPAYER}) AS taxpayer) company
LEFT JOIN (offering o LEFT JOIN provider p ON p.provider_id = o.provider_id) ON o.offering_id = ANY(%s::uuid[])
"""

VOLUME = """
SELECT coalesce(sum((amounts #>> '{net,amount}')::bigint), 0) FROM orders
WHERE provider_id = %s AND contracted_at >= %s AND state <> 'cancelled' AND project_funds IS NULL
  AND amounts #>> '{net,currency}' = %s
"""


def _put(connection: Connection, rows: Rows[Any], thing: object) -> None:
    values = rows.values(thing)
    statement = insert(rows.table).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=list(rows.table.primary_key), set_=values))


class SqlOrganisations:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def put(self, organisation: OrganisationCopy) -> None:
        _put(self.connection, ORGANISATION, organisation)

    def find(self, organisation_ids: Sequence[UUID]) -> dict[UUID, OrganisationCopy]:
        table = tables.organisation
        rows = self.connection.execute(select(table).where(table.c.organisation_id.in_(organisation_ids)))
        return {row.organisation_id: ORGANISATION.read(row) for row in rows}

    def company_rate_bps(self) -> int:
        return _rate_bps(self.connection.exec_driver_sql(COMPANY_TAXPAYER).scalar())


class SqlProviders:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def put(self, provider: ProviderCopy) -> None:
        _put(self.connection, PROVIDER, provider)

    def find(self, provider_ids: Sequence[UUID]) -> dict[UUID, ProviderCopy]:
        table = tables.provider
        rows = self.connection.execute(select(table).where(table.c.provider_id.in_(provider_ids)))
        return {row.provider_id: PROVIDER.read(row) for row in rows}


class SqlOfferings:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def put(self, offering: OfferingCopy) -> None:
        _put(self.connection, OFFERING, offering)

    def shelf(self, offering_ids: Sequence[UUID]) -> Shelf:
        rows = list(self.connection.exec_driver_sql(SHELF, ([str(each) for each in offering_ids],)))
        offerings = [OFFERING.read(row) for row in rows if row.offering_id is not None]
        # By provider: offerings of one bring the same.
        agreed = {row.provider_id: row.agreements for row in rows if row.agreements}
        agreements = [COLLECTION_AGREEMENT.read(each) for all_ in agreed.values() for each in all_]
        return Shelf({each.offering_id: each for each in offerings}, _rate_bps(rows[0].taxpayer), agreements)


def _rate_bps(taxpayer: str | None) -> int:
    return DEFAULT_COMPANY_RATE_BPS if taxpayer is None else RATE_BPS[taxpayer]


class SqlCommission:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def put_plan(self, plan: CommissionPlanCopy) -> None:
        _put(self.connection, PLAN, plan)

    def put_referral(self, referral: ReferralCopy) -> None:
        _put(self.connection, REFERRAL, referral)

    def plans_for(self, provider_id: UUID) -> list[CommissionPlanCopy]:
        table = tables.commission_plan
        rows = self.connection.execute(
            select(table).where(table.c.provider_id.is_(None) | (table.c.provider_id == provider_id))
        )
        return [PLAN.read(row) for row in rows]

    def volume_since(self, since: datetime, provider_id: UUID, currency: str) -> int:
        # Without this two contracts signed at once would both count from the same volume.
        provider = tables.provider
        self.connection.execute(
            select(provider.c.provider_id).where(provider.c.provider_id == provider_id).with_for_update(key_share=True)
        )
        return int(self.connection.exec_driver_sql(VOLUME, (provider_id, since, currency)).scalar_one())

    def end_referral(self, referral_id: UUID, protected_until: datetime) -> None:
        table = tables.referral
        self.connection.execute(
            table.update().where(table.c.referral_id == referral_id).values(protected_until=protected_until)
        )

    def referral_for(self, customer_id: UUID, placed_at: datetime) -> ReferralCopy | None:
        table = tables.referral
        row = self.connection.execute(
            select(table)
            .where(
                table.c.customer_id == customer_id,
                table.c.protected_from <= placed_at,
                table.c.protected_until > placed_at,
            )
            .order_by(table.c.protected_from, table.c.referral_id)
            .limit(1)
        ).one_or_none()
        return REFERRAL.read(row) if row is not None else None


class SqlCreditLines:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def put(self, line: CreditLineCopy) -> None:
        _put(self.connection, CREDIT_LINE, line)

    def suspend(self, credit_line_id: UUID) -> None:
        table = tables.credit_line
        self.connection.execute(table.update().where(table.c.credit_line_id == credit_line_id).values(active=False))

    def find(self, customer_id: UUID, currency: str) -> CreditLineCopy | None:
        table = tables.credit_line
        row = self.connection.execute(
            select(table).where(table.c.customer_id == customer_id, table.c.currency == currency)
        ).one_or_none()
        return CREDIT_LINE.read(row) if row is not None else None
