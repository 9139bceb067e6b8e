"""Identity's tables, as the newest migration leaves them."""

from sqlalchemy import ARRAY, Boolean, Column, DateTime, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

organisation = Table(
    "organisation",
    metadata,
    Column("organisation_id", Uuid, primary_key=True),
    Column("number", Text),
    Column("kind", Text),
    Column("legal_name", Text),
    Column("legal_name_en", Text),
    Column("unified_social_credit_code", Text),
    Column("address", Text),
    Column("mail", Text),
    Column("phone", Text),
    Column("tax_profile", JSONB),
    Column("bank_account", JSONB(none_as_null=True)),
    Column("verified", Boolean),
    Column("registered_at", DateTime(timezone=True)),
    Column("version", Integer),
)

member = Table(
    "member",
    metadata,
    Column("member_id", Uuid, primary_key=True),
    Column("organisation_id", Uuid),
    Column("name", Text),
    Column("mail", Text),
    Column("language", Text),
    Column("roles", ARRAY(Text)),
    Column("state", Text),
    Column("invited_at", DateTime(timezone=True)),
    Column("joined_at", DateTime(timezone=True)),
    Column("password_hash", Text),
    Column("link_sha256", Text),
    Column("link_until", DateTime(timezone=True)),
    Column("version", Integer),
)

api_key = Table(
    "api_key",
    metadata,
    Column("api_key_id", Uuid, primary_key=True),
    Column("organisation_id", Uuid),
    Column("name", Text),
    Column("prefix", Text),
    Column("secret_sha256", Text),
    Column("roles", ARRAY(Text)),
    Column("created_by", Uuid),
    Column("created_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
)

session = Table(
    "session",
    metadata,
    Column("token_sha256", Text, primary_key=True),
    Column("member_id", Uuid),
    Column("created_at", DateTime(timezone=True)),
    Column("expires_at", DateTime(timezone=True)),
)
