"""Rows ⇄ how providers divide their income."""

from sqlalchemy import Column, Connection, Date, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB, insert

from services.billing.adapters.tables import instant, metadata
from services.billing.adapters.voucher_repositories import values_of
from services.billing.domain.income_allocation import IncomeAllocation

income_allocation = Table(
    "income_allocation",
    metadata,
    Column("allocation_id", Uuid, primary_key=True),
    Column("provider_id", Uuid),
    Column("offering_id", Uuid),
    Column("since", Date),
    Column("shares", JSONB),
    instant("set_at"),
    Column("set_by", Text),
)


class SqlIncomeAllocations:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, rule: IncomeAllocation) -> None:
        self.connection.execute(insert(income_allocation).values(values_of(rule, income_allocation)))
