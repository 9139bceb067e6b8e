"""Rows ⇄ copies of invoices."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import BigInteger, Column, Connection, Integer, Table, Text, Uuid, select
from sqlalchemy.dialects.postgresql import insert

from services.billing.adapters import tables
from services.billing.adapters.tables import instant, metadata
from services.billing.domain.invoice import InvoiceCopy

invoice_copy = Table(
    "invoice_copy",
    metadata,
    Column("invoice_id", Uuid, primary_key=True),
    Column("kind", Text),
    Column("number", Text),
    Column("order_id", Uuid, primary_key=True),
    Column("refund_id", Uuid),
    Column("buyer_id", Uuid),
    Column("net", BigInteger),
    Column("tax", BigInteger),
    Column("currency", Text),
    instant("issued_at"),
    Column("parts", Integer),
)


class SqlInvoiceCopies:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def keep(self, copy: InvoiceCopy) -> None:
        statement = insert(invoice_copy).values(vars(copy))
        self.connection.execute(statement.on_conflict_do_nothing(index_elements=["invoice_id", "order_id"]))

    def references_on(self, numbers: Collection[str]) -> Mapping[str, Sequence[str]]:
        payment, copy = tables.payment, invoice_copy
        rows = self.connection.execute(
            select(copy.c.number, payment.c.reference)
            .distinct()
            .join(payment, (payment.c.order_id == copy.c.order_id) & (payment.c.customer_id == copy.c.buyer_id))
            .where(copy.c.number.in_(list(numbers)), copy.c.kind == "blue", payment.c.reference.is_not(None))
            .order_by(copy.c.number, payment.c.reference)
        )
        found: defaultdict[str, list[str]] = defaultdict(list)
        for row in rows:
            found[row.number].append(row.reference)
        return found
