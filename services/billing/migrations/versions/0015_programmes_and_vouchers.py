"""Programmes and their rules, vouchers and their use; placed orders, offerings, declared relations."""

from alembic import op

from services.shared.chassis import schema

revision = "0015"
down_revision = "0014"

SQL = """
ALTER TABLE organisation ADD COLUMN phone text NOT NULL DEFAULT '';

CREATE TABLE placed_order (
  order_id uuid PRIMARY KEY,
  number text NOT NULL,
  customer_id uuid NOT NULL,
  provider_id uuid NOT NULL,
  currency text NOT NULL,
  net bigint NOT NULL,
  gross bigint NOT NULL,
  lines jsonb NOT NULL,
  state text NOT NULL CHECK (state IN ('placed', 'contracted', 'cancelled')),
  placed_at timestamptz NOT NULL
);

CREATE TABLE offering (
  offering_id uuid PRIMARY KEY,
  instrument_class text NOT NULL,
  prices jsonb NOT NULL
);

CREATE TABLE declared_relation (
  owner_id uuid NOT NULL,
  owned_id uuid NOT NULL CHECK (owned_id <> owner_id),
  kind text NOT NULL CHECK (kind IN ('control', 'shareholding')),
  declared_by text NOT NULL,
  declared_at timestamptz NOT NULL,
  note text NOT NULL,
  PRIMARY KEY (owner_id, owned_id, kind)
);
CREATE INDEX declared_relation_owned ON declared_relation (owned_id);

CREATE TABLE programme (
  programme_id uuid PRIMARY KEY,
  number text NOT NULL UNIQUE,
  code text NOT NULL UNIQUE,
  title_zh text NOT NULL,
  title_en text NOT NULL,
  authority_id uuid NOT NULL,
  side text NOT NULL CHECK (side IN ('customer', 'provider')),
  currency text NOT NULL,
  budget bigint NOT NULL CHECK (budget > 0),
  opened_at timestamptz NOT NULL,
  committed bigint NOT NULL CHECK (committed BETWEEN 0 AND budget), -- whatever the code above may do
  funded bigint NOT NULL CHECK (funded >= 0)
);
CREATE INDEX programme_of_authority ON programme (authority_id);
CREATE SEQUENCE number_pg;

CREATE TABLE programme_version (
  programme_version_id uuid PRIMARY KEY,
  programme_id uuid NOT NULL REFERENCES programme,
  valid_from timestamptz NOT NULL,
  rules jsonb NOT NULL,
  published_at timestamptz NOT NULL,
  UNIQUE (programme_id, valid_from)
);
CREATE TRIGGER programme_version_append_only BEFORE UPDATE OR DELETE ON programme_version
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What counts against a holder's cap for a calendar year.
CREATE TABLE programme_year (
  programme_id uuid NOT NULL REFERENCES programme,
  holder_id uuid NOT NULL,
  year int NOT NULL,
  committed bigint NOT NULL CHECK (committed >= 0),
  cap bigint,
  PRIMARY KEY (programme_id, holder_id, year),
  CHECK (committed <= cap)
);

CREATE TABLE voucher (
  voucher_id uuid PRIMARY KEY,
  number text NOT NULL UNIQUE,
  state text NOT NULL CHECK (state IN ('proposed', 'granted', 'expired', 'revoked')),
  programme_id uuid NOT NULL REFERENCES programme,
  holder_id uuid NOT NULL,
  holder_kind text NOT NULL,
  currency text NOT NULL,
  granted bigint NOT NULL CHECK (granted > 0),
  reserved bigint NOT NULL CHECK (reserved >= 0),
  spent bigint NOT NULL CHECK (spent >= 0),
  valid_until timestamptz NOT NULL,
  proposed_at timestamptz NOT NULL,
  proposed_by text NOT NULL,
  approved_at timestamptz,
  approved_by text NOT NULL,
  reason text NOT NULL,
  version int NOT NULL,
  CHECK (reserved + spent <= granted),
  CHECK (approved_by <> proposed_by),
  CHECK (state <> 'granted' OR approved_at IS NOT NULL)
);
CREATE INDEX voucher_newest ON voucher (proposed_at, voucher_id);
CREATE INDEX voucher_of_holder ON voucher (holder_id, proposed_at, voucher_id);
CREATE INDEX voucher_of_programme ON voucher (programme_id, proposed_at, voucher_id);
CREATE SEQUENCE number_vo;

CREATE TABLE voucher_use (
  use_id uuid PRIMARY KEY,
  voucher_id uuid NOT NULL REFERENCES voucher,
  programme_id uuid NOT NULL REFERENCES programme,
  programme_version_id uuid NOT NULL REFERENCES programme_version,
  order_id uuid NOT NULL,
  order_number text NOT NULL,
  holder_id uuid NOT NULL,
  provider_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('reserved', 'used', 'claimed', 'redeemed', 'rejected', 'returned')),
  currency text NOT NULL,
  amount bigint NOT NULL CHECK (amount BETWEEN 0 AND gross),
  net bigint NOT NULL,
  gross bigint NOT NULL,
  year int NOT NULL,
  redeem_to text NOT NULL,
  shortfall_payer text NOT NULL,
  "left" jsonb NOT NULL,
  results jsonb NOT NULL,
  findings jsonb NOT NULL,
  reserved_at timestamptz NOT NULL,
  used_at timestamptz,
  accepted_at timestamptz,
  claim_until timestamptz,
  version int NOT NULL
);
-- Vouchers do not stack: one on an order, whatever the code above may do.
CREATE UNIQUE INDEX voucher_use_on_order ON voucher_use (order_id) WHERE state <> 'returned';
CREATE INDEX voucher_use_of_voucher ON voucher_use (voucher_id, reserved_at);
"""


def upgrade() -> None:
    op.execute(SQL)
    op.execute(schema.only_append("programme_version"))
