"""Rows ⇄ copies of invoices."""

from sqlalchemy import BigInteger, Column, Connection, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import insert

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
)


class SqlInvoiceCopies:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def keep(self, copy: InvoiceCopy) -> None:
        statement = insert(invoice_copy).values(vars(copy))
        self.connection.execute(statement.on_conflict_do_nothing(index_elements=["invoice_id", "order_id"]))
