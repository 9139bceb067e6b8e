"""Tables of credit lines, credit and receivables, as the newest migration leaves them."""

from sqlalchemy import BigInteger, Column, Date, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from services.billing.adapters.tables import instant, metadata

credit_line = Table(
    "credit_line",
    metadata,
    Column("credit_line_id", Uuid, primary_key=True),
    Column("customer_id", Uuid),
    Column("currency", Text),
    Column("state", Text),
    instant("created_at"),
    Column("terms", JSONB(none_as_null=True)),
    Column("proposal", JSONB(none_as_null=True)),
    Column("approved_by", Text),
    instant("approved_at"),
    Column("suspended_for", Text),
    Column("version", Integer),
)

credit = Table(
    "credit",
    metadata,
    Column("credit_id", Uuid, primary_key=True),
    Column("order_id", Uuid),
    Column("order_number", Text),
    Column("customer_id", Uuid),
    Column("credit_line_id", Uuid),
    Column("currency", Text),
    Column("amount", BigInteger),
    Column("state", Text),
    Column("reason", Text),
    instant("decided_at"),
)

receivable = Table(
    "receivable",
    metadata,
    Column("receivable_id", Uuid, primary_key=True),
    Column("order_id", Uuid),
    Column("order_number", Text),
    Column("customer_id", Uuid),
    Column("cause", Text),
    Column("state", Text),
    Column("currency", Text),
    Column("amount", BigInteger),
    Column("net_days", Integer),
    instant("opened_at"),
    Column("paid", BigInteger),
    Column("written_off", BigInteger),
    Column("invoice_number", Text),
    Column("due_on", Date),
    Column("reminders", Integer),
    Column("write_off_by", Text),
    Column("write_off_reason", Text),
    Column("version", Integer),
)

credit_payback = Table(
    "credit_payback",
    metadata,
    Column("credit_payback_id", Uuid, primary_key=True),
    Column("number", Text),
    Column("state", Text),
    Column("customer_id", Uuid),
    Column("currency", Text),
    Column("amount", BigInteger),
    Column("reason", Text),
    Column("bank_name", Text),
    Column("account_name", Text),
    Column("account_number", Text),
    instant("requested_at"),
    Column("requested_by", Text),
    instant("approved_at"),
    Column("approved_by", Text),
    instant("paid_at"),
    Column("failure", Text),
    Column("document_key", Text),
    Column("document_sha256", Text),
    Column("document_size", BigInteger),
    Column("version", Integer),
    Column("programme_id", Uuid),
)
