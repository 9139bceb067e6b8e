"""Invoice terms and orders that wait for their month's invoice: rows ⇄ aggregates."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from services.invoicing.adapters import tables
from services.invoicing.domain.collective_invoice import InvoiceTerms, UninvoicedOrder
from services.invoicing.use_cases.collective_invoice import view
from services.shared.chassis.unit_of_work import UnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.money import Money
from services.shared.messages.invoicing.collective_invoice import GetInvoiceTerms, InvoiceTermsView


class SqlUninvoiced:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def put_terms(self, terms: InvoiceTerms) -> None:
        values = vars(terms)
        self.connection.execute(
            insert(tables.invoice_terms)
            .values(values)
            .on_conflict_do_update(index_elements=["customer_id"], set_=values)
        )

    def terms_of(self, customer_id: UUID) -> InvoiceTerms | None:
        table = tables.invoice_terms
        row = self.connection.execute(select(table).where(table.c.customer_id == customer_id)).one_or_none()
        return InvoiceTerms(**row._mapping) if row is not None else None

    def add(self, order: UninvoicedOrder) -> None:
        self.connection.execute(insert(tables.uninvoiced_order).values(_row(order)).on_conflict_do_nothing())

    def find(self, order_id: UUID) -> UninvoicedOrder | None:
        table = tables.uninvoiced_order
        row = self.connection.execute(select(table).where(table.c.order_id == order_id).with_for_update()).one_or_none()
        return _order(row) if row is not None else None

    def waiting(self, customer_id: UUID, month: str | None) -> Sequence[UUID]:
        table = tables.uninvoiced_order
        statement = select(table.c.order_id).where(table.c.customer_id == customer_id, table.c.invoice_id.is_(None))
        if month is not None:
            statement = statement.where(table.c.month <= month)
        return list(self.connection.execute(statement.order_by(table.c.order_id)).scalars())

    def save(self, order: UninvoicedOrder) -> None:
        table = tables.uninvoiced_order
        self.connection.execute(table.update().where(table.c.order_id == order.order_id).values(_row(order)))


def get_invoice_terms(query: GetInvoiceTerms, *, actor: Actor, uow: UnitOfWork, now: datetime) -> InvoiceTermsView:
    """Raises NotFound: Nothing is agreed; invoices come with each acceptance."""
    del now
    require(actor, query.grants, {"customer": query.customer_id})
    found = SqlUninvoiced(uow.connection).terms_of(query.customer_id)
    if found is None:
        raise NotFound
    return view(found)


def _row(order: UninvoicedOrder) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "customer_id": order.customer_id,
        "month": order.month,
        "currency": order.net.currency,
        "net_minor": order.net.amount,
        "tax_minor": order.tax.amount,
        "tax_rate_bps": order.tax_rate_bps,
        "on_credit_minor": order.on_credit.amount,
        "net_days": order.net_days,
        "accepted_at": order.accepted_at,
        "invoice_id": order.invoice_id,
        "lowered_by": [str(each) for each in order.lowered_by],
    }


def _order(row: Any) -> UninvoicedOrder:
    return UninvoicedOrder(
        order_id=row.order_id,
        customer_id=row.customer_id,
        month=row.month,
        net=Money(row.net_minor, row.currency),
        tax=Money(row.tax_minor, row.currency),
        tax_rate_bps=row.tax_rate_bps,
        on_credit=Money(row.on_credit_minor, row.currency),
        net_days=row.net_days,
        accepted_at=row.accepted_at,
        invoice_id=row.invoice_id,
        lowered_by=tuple(UUID(each) for each in row.lowered_by),
    )
