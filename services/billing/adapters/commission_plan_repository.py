"""Commission plans: rows ⇄ plans."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Connection, insert, select

from services.billing.adapters import tables
from services.billing.domain.commission_plan import CommissionPlan
from services.shared.kernel.errors import NotFound
from services.shared.kernel.fee import Scope

_PLAN = TypeAdapter(CommissionPlan)


class SqlPlans:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def of_scope(self, scope: Scope) -> Sequence[CommissionPlan]:
        self.connection.exec_driver_sql("LOCK TABLE commission_plan IN SHARE ROW EXCLUSIVE MODE")
        table = tables.commission_plan
        same = [table.c[name].is_not_distinct_from(value) for name, value in asdict(scope).items()]
        return [plan_of(row) for row in self.connection.execute(select(table).where(*same))]

    def for_provider(self, provider_id: UUID | None) -> Sequence[CommissionPlan]:
        table = tables.commission_plan
        rows = self.connection.execute(
            select(table).where(table.c.provider_id.is_(None) | (table.c.provider_id == provider_id))
        )
        return [plan_of(row) for row in rows]

    def get(self, commission_plan_id: UUID) -> CommissionPlan:
        table = tables.commission_plan
        row = self.connection.execute(
            select(table).where(table.c.commission_plan_id == commission_plan_id)
        ).one_or_none()
        if row is None:
            raise NotFound
        return plan_of(row)

    def add(self, plan: CommissionPlan) -> None:
        values = {name: value for name, value in vars(plan).items() if name != "scope"}
        values |= {**asdict(plan.scope), "fee_bps": plan.fee_bps}
        values["components"] = [asdict(component) for component in plan.components]
        self.connection.execute(insert(tables.commission_plan).values(values))


def plan_of(row: Any) -> CommissionPlan:
    found = dict(row._mapping)
    del found["fee_bps"]  # it follows from the components; kept for readers of the table
    found["scope"] = Scope(**{each.name: found.pop(each.name) for each in fields(Scope)})
    return _PLAN.validate_python(found)
