"""Rows ⇄ commission that providers owe, and its list."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Column, Connection, Date, Integer, Select, Table, Text, Uuid, cast, func, select
from sqlalchemy.dialects.postgresql import insert

from services.billing.adapters.invoice_repository import invoice_copy
from services.billing.adapters.tables import clawback, metadata
from services.billing.domain.commission_debt import CommissionDebt
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.money import Money
from services.shared.kernel.payment_reference import commission_reference_of
from services.shared.kernel.times import business_date
from services.shared.messages.billing.commission_debt import (
    CommissionDebtPage,
    CommissionDebtView,
    ListCommissionDebts,
)

if TYPE_CHECKING:
    from services.billing.adapters.unit_of_work import BillingUnitOfWork

_TABLE = Table(
    "commission_debt",
    metadata,
    Column("clawback_id", Uuid, primary_key=True),
    Column("due_on", Date),
    Column("reminders", Integer),
    Column("reminded_on", Date),
)


class SqlCommissionDebts:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def open(self, key: str, due_on: date) -> CommissionDebt | None:
        owed = select(clawback.c.clawback_id).where(clawback.c.key == key)
        clawback_id = self.connection.execute(owed).scalar_one_or_none()
        if clawback_id is None:
            return None
        made = self.connection.execute(
            insert(_TABLE)
            .values(clawback_id=clawback_id, due_on=due_on, reminders=0)
            .on_conflict_do_nothing()
            .returning(_TABLE.c.clawback_id)
        ).scalar_one_or_none()
        return self.find(clawback_id) if made is not None else None

    def find(self, clawback_id: UUID) -> CommissionDebt | None:
        # The claw-back is not locked: whoever pays it need not wait for a reminder.
        row = self.connection.execute(
            _all().where(_TABLE.c.clawback_id == clawback_id).with_for_update(of=_TABLE)
        ).one_or_none()
        return _debt(row) if row is not None else None

    def save(self, debt: CommissionDebt) -> None:
        self.connection.execute(
            _TABLE.update()
            .where(_TABLE.c.clawback_id == debt.clawback_id)
            .values(reminders=debt.reminders, reminded_on=debt.reminded_on)
        )


def list_commission_debts(
    query: ListCommissionDebts, *, actor: Actor, uow: "BillingUnitOfWork", now: datetime
) -> CommissionDebtPage:
    require(actor, query.grants, {})
    rows, cursor = page(
        uow.connection, _all().where(clawback.c.left > 0), (_TABLE.c.due_on, _TABLE.c.clawback_id), query.after,
        query.limit, read=(date.fromisoformat, UUID),
    )  # fmt: skip
    today = business_date(now)
    return CommissionDebtPage(items=tuple(_view(_debt(row), today) for row in rows), next_cursor=cursor)


def _all() -> Select[Any]:
    of_rise = func.concat("refund:", cast(invoice_copy.c.refund_id, Text), ":commission")  # as `risen_key` has it
    number = (
        select(invoice_copy.c.number)
        .where(
            invoice_copy.c.order_id == clawback.c.order_id,
            invoice_copy.c.kind == "blue",
            (of_rise == clawback.c.key) | (invoice_copy.c.refund_id.is_(None) & ~clawback.c.key.startswith("refund:")),
        )
        .scalar_subquery()
    )
    return select(
        _TABLE, clawback.c.party_id, clawback.c.order_id, clawback.c.order_number, clawback.c.currency,
        clawback.c.amount, clawback.c.left, number.label("invoice_number"),
    ).join(clawback, clawback.c.clawback_id == _TABLE.c.clawback_id)  # fmt: skip


def _debt(row: Any) -> CommissionDebt:
    return CommissionDebt(
        clawback_id=row.clawback_id,
        provider_id=row.party_id,
        order_id=row.order_id,
        order_number=row.order_number,
        amount=Money(row.amount, row.currency),
        left=Money(row.left, row.currency),
        due_on=row.due_on,
        invoice_number=row.invoice_number or "",
        reminders=row.reminders,
        reminded_on=row.reminded_on,
    )


def _view(debt: CommissionDebt, today: date) -> CommissionDebtView:
    return CommissionDebtView(
        clawback_id=debt.clawback_id,
        provider_id=debt.provider_id,
        order_id=debt.order_id,
        order_number=debt.order_number,
        amount=debt.amount,
        left=debt.left,
        invoice_number=debt.invoice_number,
        due_on=debt.due_on,
        days_overdue=debt.days_overdue(today),
        reminders=debt.reminders,
        reference=commission_reference_of(debt.order_number),
    )
