"""Billing's tables of programmes and vouchers, and of what their rules look at."""

from sqlalchemy import BigInteger, Boolean, Column, Date, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from services.billing.adapters.tables import instant, metadata

placed_order = Table(
    "placed_order",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("number", Text),
    Column("customer_id", Uuid),
    Column("provider_id", Uuid),
    Column("currency", Text),
    Column("net", BigInteger),
    Column("gross", BigInteger),
    Column("lines", JSONB),
    Column("state", Text),
    instant("placed_at"),
    Column("internal", Boolean),
    Column("collection_model", Text),
)

offering = Table(
    "offering",
    metadata,
    Column("offering_id", Uuid, primary_key=True),
    Column("instrument_class", Text),
    Column("prices", JSONB),
)

declared_relation = Table(
    "declared_relation",
    metadata,
    Column("owner_id", Uuid, primary_key=True),
    Column("owned_id", Uuid, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("declared_by", Text),
    instant("declared_at"),
    Column("note", Text),
)

programme = Table(
    "programme",
    metadata,
    Column("programme_id", Uuid, primary_key=True),
    Column("number", Text),
    Column("code", Text),
    Column("title_zh", Text),
    Column("title_en", Text),
    Column("authority_id", Uuid),
    Column("side", Text),
    Column("currency", Text),
    Column("budget", BigInteger),
    instant("opened_at"),
    Column("committed", BigInteger),
    Column("funded", BigInteger),
)

programme_version = Table(
    "programme_version",
    metadata,
    Column("programme_version_id", Uuid, primary_key=True),
    Column("programme_id", Uuid),
    instant("valid_from"),
    Column("rules", JSONB),
    instant("published_at"),
)

programme_year = Table(
    "programme_year",
    metadata,
    Column("programme_id", Uuid, primary_key=True),
    Column("holder_id", Uuid, primary_key=True),
    Column("year", Integer, primary_key=True),
    Column("committed", BigInteger),
    Column("cap", BigInteger),
)

voucher = Table(
    "voucher",
    metadata,
    Column("voucher_id", Uuid, primary_key=True),
    Column("number", Text),
    Column("state", Text),
    Column("programme_id", Uuid),
    Column("holder_id", Uuid),
    Column("holder_kind", Text),
    Column("currency", Text),
    Column("granted", BigInteger),
    Column("reserved", BigInteger),
    Column("spent", BigInteger),
    instant("valid_until"),
    instant("proposed_at"),
    Column("proposed_by", Text),
    instant("approved_at"),
    Column("approved_by", Text),
    Column("reason", Text),
    Column("version", Integer),
)

voucher_use = Table(
    "voucher_use",
    metadata,
    Column("use_id", Uuid, primary_key=True),
    Column("voucher_id", Uuid),
    Column("programme_id", Uuid),
    Column("programme_version_id", Uuid),
    Column("order_id", Uuid),
    Column("order_number", Text),
    Column("holder_id", Uuid),
    Column("provider_id", Uuid),
    Column("state", Text),
    Column("currency", Text),
    Column("amount", BigInteger),
    Column("net", BigInteger),
    Column("gross", BigInteger),
    Column("year", Integer),
    Column("redeem_to", Text),
    Column("shortfall_payer", Text),
    Column("left", JSONB),
    Column("results", JSONB),
    Column("findings", JSONB),
    instant("reserved_at"),
    instant("used_at"),
    instant("accepted_at"),
    instant("claim_until"),
    Column("version", Integer),
)

order_evidence = Table(
    "order_evidence",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("reference", Uuid, primary_key=True),
    Column("number", Text),
    Column("sha256", Text),
    instant("at"),
)

claim = Table(
    "claim",
    metadata,
    Column("claim_id", Uuid, primary_key=True),
    Column("number", Text),
    Column("state", Text),
    Column("programme_id", Uuid),
    Column("programme_version_id", Uuid),
    Column("claimant_id", Uuid),
    Column("redeem_to", Text),
    Column("currency", Text),
    Column("amount", BigInteger),
    instant("submitted_at"),
    Column("submitted_by", Text),
    Column("use_id", Uuid),
    Column("order_id", Uuid),
    Column("order_number", Text),
    Column("voucher_id", Uuid),
    Column("evidence", JSONB),
    Column("results", JSONB),
    Column("findings", JSONB),
    Column("automatic", Boolean),
    Column("reason", Text),
    Column("first_reviewed_by", Text),
    Column("second_reviewed_by", Text),
    instant("approved_at"),
    Column("paid", BigInteger),
    instant("paid_at"),
    Column("paid_reference", Text),
    Column("due_on", Date),
    Column("pack_key", Text),
    Column("pack_sha256", Text),
    Column("pack_size", BigInteger),
    Column("version", Integer),
)
