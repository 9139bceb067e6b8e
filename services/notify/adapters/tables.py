"""Notify's tables, as the newest migration leaves them."""

from sqlalchemy import BigInteger, Column, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

metadata = MetaData()

organisation = Table(
    "organisation",
    metadata,
    Column("organisation_id", Uuid, primary_key=True),
    Column("kind", Text),
    Column("legal_name", Text),
    Column("legal_name_en", Text),
    Column("mail", Text),
    Column("account_name", Text),
    Column("account_number", Text),
    Column("bank_name", Text),
)

member = Table(
    "member",
    metadata,
    Column("member_id", Uuid, primary_key=True),
    Column("organisation_id", Uuid, primary_key=True),
    Column("name", Text),
    Column("mail", Text),
    Column("language", Text),
    Column("roles", ARRAY(Text)),
)

# "order" is a word of SQL
order = Table(
    "order_copy",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("number", Text),
    Column("customer_id", Uuid),
    Column("provider_id", Uuid),
)

settlement = Table(
    "settlement",
    metadata,
    Column("settlement_id", Uuid, primary_key=True),
    Column("number", Text),
    Column("party_kind", Text),
    Column("party_id", Uuid),
)

notification = Table(
    "notification",
    metadata,
    Column("notification_id", Uuid, primary_key=True),
    Column("organisation_id", Uuid),
    Column("kind", Text),
    Column("subject_zh", Text),
    Column("body_zh", Text),
    Column("subject_en", Text),
    Column("body_en", Text),
    Column("link", Text),
    Column("created_at", DateTime(timezone=True)),
)

feed_view = Table(
    "feed_view",
    metadata,
    Column("view", Text, primary_key=True),
    Column("last_sequence", BigInteger),
)

feed_entry = Table(
    "feed_entry",
    metadata,
    Column("view", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("event_id", Uuid),
    Column("type", Text),
    Column("body", LargeBinary),
    Column("created_at", DateTime(timezone=True)),
)

webhook_endpoint = Table(
    "webhook_endpoint",
    metadata,
    Column("webhook_endpoint_id", Uuid, primary_key=True),
    Column("organisation_id", Uuid),
    Column("view", Text),
    Column("url", Text),
    Column("types", ARRAY(Text)),
    Column("secret", Text),
    Column("registered_at", DateTime(timezone=True)),
    Column("state", Text),
    Column("problem", Text),
    Column("in_flight", Uuid),
    Column("failures", Integer),
    Column("paused_until", DateTime(timezone=True)),
    Column("succeeded_at", DateTime(timezone=True)),
)

webhook_delivery = Table(
    "webhook_delivery",
    metadata,
    Column("delivery_id", Uuid, primary_key=True),
    Column("webhook_endpoint_id", Uuid),
    Column("view", Text),
    Column("sequence", BigInteger),
    Column("event_id", Uuid),
    Column("created_at", DateTime(timezone=True)),
    Column("state", Text),
    Column("attempts", Integer),
    Column("last_status", Integer),
    Column("last_problem", Text),
    Column("next_attempt_at", DateTime(timezone=True)),
)
