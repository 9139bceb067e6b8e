"""Billing's tables of the splitting channel: its orders, their splits, the returns of those."""

from sqlalchemy import BigInteger, Boolean, Column, Date, Integer, Table, Text, Uuid

from services.billing.adapters.tables import instant, metadata

channel_order = Table(
    "channel_order",
    metadata,
    Column("payment_id", Uuid, primary_key=True),
    Column("order_id", Uuid),
    Column("order_number", Text),
    Column("payee_id", Uuid),
    Column("currency", Text),
    Column("amount", BigInteger),
    Column("state", Text),
    instant("opened_at"),
    Column("code_url", Text),
    Column("transaction_id", Text),
    instant("paid_at"),
    Column("late", Boolean),
    Column("failure", Text),
    Column("checks", Integer),
    Column("version", Integer),
)

direct_movement = Table(
    "direct_movement",
    metadata,
    Column("movement_id", Uuid, primary_key=True),
    Column("payment_id", Uuid),
    Column("order_id", Uuid),
    Column("direction", Text),
    Column("amount", BigInteger),
    Column("currency", Text),
    Column("reference", Text),
    Column("moved_on", Date),
    Column("confirmed_by", Text),
    instant("confirmed_at"),
)

split_order = Table(
    "split_order",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("order_number", Text),
    Column("payment_id", Uuid),
    Column("provider_id", Uuid),
    Column("currency", Text),
    Column("amount", BigInteger),
    Column("state", Text),
    instant("requested_at"),
    instant("finished_at"),
    Column("failure", Text),
    Column("checks", Integer),
    Column("version", Integer),
)

split_return = Table(
    "split_return",
    metadata,
    Column("refund_id", Uuid, primary_key=True),
    Column("order_id", Uuid),
    Column("order_number", Text),
    Column("provider_id", Uuid),
    Column("currency", Text),
    Column("amount", BigInteger),
    Column("state", Text),
    instant("requested_at"),
    Column("n", Integer),
    Column("netted", BigInteger),
    Column("sent", Boolean),
    Column("failure", Text),
    instant("succeeded_at"),
    Column("checks", Integer),
    Column("version", Integer),
)
