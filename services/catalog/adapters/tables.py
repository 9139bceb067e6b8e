"""Catalog's tables, as the newest migration leaves them."""

from sqlalchemy import ARRAY, Boolean, Column, DateTime, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

metadata = MetaData()

organisation = Table(
    "organisation",
    metadata,
    Column("organisation_id", Uuid, primary_key=True),
    Column("kind", Text),
    Column("legal_name", Text),
    Column("legal_name_en", Text),
    Column("verified", Boolean),
    Column("has_bank_account", Boolean),
)

provider = Table(
    "provider",
    metadata,
    Column("provider_id", Uuid, primary_key=True),
    Column("number", Text),
    Column("state", Text),
    Column("name_zh", Text),
    Column("name_en", Text),
    Column("region", Text),
    Column("introduction", Text),
    Column("entry_standards", ARRAY(Text)),
    Column("applied_at", DateTime(timezone=True)),
    Column("reason", Text),
    Column("version", Integer),
)

framework_agreement = Table(
    "framework_agreement",
    metadata,
    Column("provider_id", Uuid, primary_key=True),
    Column("number", Text),
)

offering = Table(
    "offering",
    metadata,
    Column("offering_id", Uuid, primary_key=True),
    Column("provider_id", Uuid),
    Column("number", Text),
    Column("state", Text),
    Column("hidden_by", Text),
    Column("reason", Text),
    Column("content", JSONB),
    Column("prices", JSONB),
    Column("drafted_at", DateTime(timezone=True)),
    Column("version", Integer),
)

listing = Table(
    "listing",
    metadata,
    Column("offering_id", Uuid, primary_key=True),
    Column("title_size", Integer),
    Column("title_tokens", TSVECTOR),
)

listing_text = Table(
    "listing_text",
    metadata,
    Column("offering_id", Uuid, primary_key=True),
    Column("title_size", Integer),
    Column("all_tokens", TSVECTOR),
)
