"""The table of funding, as the newest migration leaves it."""

from sqlalchemy import BigInteger, Column, Integer, Table, Text, Uuid

from services.billing.adapters.tables import instant, metadata

funding = Table(
    "funding",
    metadata,
    Column("funding_id", Uuid, primary_key=True),
    Column("order_id", Uuid),
    Column("order_number", Text),
    Column("n", Integer),
    Column("customer_id", Uuid),
    Column("provider_id", Uuid),
    Column("legal_entity", Text),
    Column("project_number", Text),
    Column("responsible_person", Text),
    Column("cost_category", Text),
    Column("state", Text),
    Column("wanted", Text),
    Column("currency", Text),
    Column("amount", BigInteger),
    Column("fee_bps", Integer),
    Column("fee_tax_bps", Integer),
    instant("requested_at"),
    Column("to_execute", BigInteger),
    Column("to_return", BigInteger),
    Column("executed", BigInteger),
    Column("returned", BigInteger),
    Column("reason", Text),
    instant("expires_at"),
    instant("reserved_at"),
    Column("asked", Integer),
    Column("checks", Integer),
    Column("version", Integer),
)
