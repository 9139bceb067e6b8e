"""Invoicing's tables, as the newest migration leaves them."""

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

organisation = Table(
    "organisation",
    metadata,
    Column("organisation_id", Uuid, primary_key=True),
    Column("kind", Text),
    Column("legal_name", Text),
    Column("registration", Text),
    Column("address", Text),
    Column("mail", Text),
    Column("phone", Text),
    Column("account_name", Text),
    Column("account_number", Text),
    Column("bank_name", Text),
)

# "order" is a word of SQL
order = Table(
    "order_copy",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("contents", JSONB),
)

seller_invoice = Table(
    "seller_invoice",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("provider_id", Uuid),
    Column("number", Text),
    Column("state", Text),
    Column("contents", JSONB),
)

settlement = Table(
    "settlement",
    metadata,
    Column("settlement_id", Uuid, primary_key=True),
    Column("number", Text),
    Column("party_kind", Text),
    Column("party_id", Uuid),
    Column("currency", Text),
    Column("net_minor", BigInteger),
    Column("tax_minor", BigInteger),
    Column("special_invoice", Boolean),
    Column("matched_by", Uuid),
)

tax_point = Table(
    "tax_point",
    metadata,
    Column("tax_point_id", Uuid, primary_key=True),
    Column("order_id", Uuid),
    Column("cause", Text),
    Column("currency", Text),
    Column("net_minor", BigInteger),
    Column("tax_minor", BigInteger),
    Column("tax_rate_bps", Integer),
    Column("reached_at", DateTime(timezone=True)),
)

number_series = Table(
    "number_series",
    metadata,
    Column("series", Text, primary_key=True),
    Column("year", Integer, primary_key=True),
    Column("last", Integer),
)

invoice = Table(
    "invoice",
    metadata,
    Column("invoice_id", Uuid, primary_key=True),
    Column("number", Text),
    Column("state", Text),
    Column("order_id", Uuid),
    Column("customer_id", Uuid),
    Column("refund_id", Uuid),
    Column("contents", JSONB),
    Column("dated_at", DateTime(timezone=True)),
    Column("issued_at", DateTime(timezone=True)),
    Column("pdf", JSONB),
    Column("xml", JSONB),
    Column("problem", Text),
    Column("failed_at", DateTime(timezone=True)),
    Column("red_asked_net_minor", BigInteger),
    Column("red_asked_tax_minor", BigInteger),
    Column("red_issued_net_minor", BigInteger),
    Column("red_issued_tax_minor", BigInteger),
    Column("version", Integer),
)

red_letter = Table(
    "red_letter",
    metadata,
    Column("red_letter_id", Uuid, primary_key=True),
    Column("refund_id", Uuid),
    Column("invoice_id", Uuid),
    Column("invoice_number", Text),
    Column("order_id", Uuid),
    Column("order_number", Text),
    Column("customer_id", Uuid),
    Column("cause", Text),
    Column("currency", Text),
    Column("net_minor", BigInteger),
    Column("tax_minor", BigInteger),
    Column("requested_at", DateTime(timezone=True)),
    Column("state", Text),
    Column("forms", JSONB),
    Column("number", Text),
    Column("contents", JSONB(none_as_null=True)),
    Column("issued_at", DateTime(timezone=True)),
    Column("pdf", JSONB(none_as_null=True)),
    Column("xml", JSONB(none_as_null=True)),
    Column("problem", Text),
    Column("failed_at", DateTime(timezone=True)),
    Column("parts", Integer),
    Column("version", Integer),
)

invoice_terms = Table(
    "invoice_terms",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("timing", Text),
    Column("since", DateTime(timezone=True)),
    Column("set_by", Text),
)

uninvoiced_order = Table(
    "uninvoiced_order",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("customer_id", Uuid),
    Column("month", Text),
    Column("currency", Text),
    Column("net_minor", BigInteger),
    Column("tax_minor", BigInteger),
    Column("tax_rate_bps", Integer),
    Column("on_credit_minor", BigInteger),
    Column("net_days", Integer),
    Column("accepted_at", DateTime(timezone=True)),
    Column("invoice_id", Uuid),
    Column("lowered_by", JSONB),
)

received_invoice = Table(
    "received_invoice",
    metadata,
    Column("received_invoice_id", Uuid, primary_key=True),
    Column("number", Text),
    Column("state", Text),
    Column("kind", Text),
    Column("settlement_id", Uuid),
    Column("settlement_number", Text),
    Column("party_id", Uuid),
    Column("currency", Text),
    Column("net_minor", BigInteger),
    Column("tax_minor", BigInteger),
    Column("issued_on", Date),
    Column("recorded_at", DateTime(timezone=True)),
    Column("reason", Text),
)
