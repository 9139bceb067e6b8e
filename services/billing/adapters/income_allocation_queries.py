"""How a provider divides its income, and whose the lines of a statement are."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Connection, Select, select

from services.billing.adapters.income_allocation_repository import income_allocation
from services.billing.adapters.queries import settlement_row
from services.billing.adapters.tables import accrual
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.adapters.voucher_tables import placed_order
from services.billing.domain.income_allocation import IncomeAllocation, Part, Unit, parts
from services.billing.use_cases.income_allocation import view
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.money import Money
from services.shared.kernel.times import business_date
from services.shared.messages.billing.income_allocation import (
    AllocatedIncomePage,
    AllocatedLine,
    AllocatedPart,
    IncomeAllocationPage,
    ListAllocatedIncome,
    ListIncomeAllocations,
)

_RULE = TypeAdapter(IncomeAllocation)


def list_income_allocations(
    query: ListIncomeAllocations, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> IncomeAllocationPage:
    del now
    require(actor, query.grants, {"self": actor.organisation_id})
    table = income_allocation
    rows, cursor = page(
        uow.connection, _rules_of(actor.organisation_id), (table.c.set_at, table.c.allocation_id), query.after,
        query.limit, read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return IncomeAllocationPage(items=tuple(view(_rule(row)) for row in rows), next_cursor=cursor)


def list_allocated_income(
    query: ListAllocatedIncome, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> AllocatedIncomePage:
    del now
    stated = settlement_row(query, actor, uow)
    rules = [_rule(row) for row in uow.connection.execute(_rules_of(stated.party_id))]
    lines = select(accrual, placed_order.c.lines).outerjoin(
        placed_order, placed_order.c.order_id == accrual.c.order_id
    ).where(accrual.c.settlement_id == query.settlement_id)  # fmt: skip
    rows, cursor = page(
        uow.connection, lines, (accrual.c.accepted_at, accrual.c.accrual_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID),
    )  # fmt: skip
    wants_totals = query.totals and query.after is None
    return AllocatedIncomePage(
        totals=_totals(uow.connection, lines, rules, stated.currency) if wants_totals else (),
        items=tuple(
            AllocatedLine(
                order_id=row.order_id,
                order_number=row.order_number,
                title=row.title,
                kind=row.kind,
                accepted_at=row.accepted_at,
                parts=_shown(_parts(row, rules), row.currency),
            )
            for row in rows
        ),
        next_cursor=cursor,
    )


def _totals(
    connection: Connection, lines: Select[Any], rules: Sequence[IncomeAllocation], currency: str
) -> tuple[AllocatedPart, ...]:
    nets: Counter[Unit] = Counter()
    taxes: Counter[Unit] = Counter()
    needed = lines.with_only_columns(accrual.c.net, accrual.c.tax, accrual.c.accepted_at, placed_order.c.lines)
    for row in connection.execute(needed):
        for part in _parts(row, rules):
            nets[part.unit] += part.net
            taxes[part.unit] += part.tax
    return _shown((Part(unit, nets[unit], taxes[unit]) for unit in sorted(nets)), currency)


def _parts(row: Any, rules: Sequence[IncomeAllocation]) -> tuple[Part, ...]:
    # An order that was placed before line prices were kept has none: its lines count alike.
    lines = [
        (UUID(line["offering_id"]) if line["offering_id"] else None, line.get("net", 1)) for line in row.lines or ()
    ] or [(None, 1)]
    return parts(row.net, row.tax, lines, rules, business_date(row.accepted_at))


def _shown(found: Iterable[Part], currency: str) -> tuple[AllocatedPart, ...]:
    return tuple(
        AllocatedPart(
            college=part.unit.college,
            team=part.unit.team,
            net=Money(part.net, currency),
            tax=Money(part.tax, currency),
            gross=Money(part.net + part.tax, currency),
        )
        for part in found
    )


def _rules_of(provider_id: UUID) -> Select[Any]:
    return select(income_allocation).where(income_allocation.c.provider_id == provider_id)


def _rule(row: Any) -> IncomeAllocation:
    return _RULE.validate_python(dict(row._mapping))
