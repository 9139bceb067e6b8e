"""Messaging tables; organisations, their members, API keys, sessions."""

from alembic import op

from services.shared.chassis import schema

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute(schema.V1)
    op.execute(schema.only_append("event_log"))
    op.execute("""
        CREATE TABLE organisation (
          organisation_id uuid PRIMARY KEY,
          number text NOT NULL UNIQUE,
          kind text NOT NULL CHECK (kind IN ('customer', 'provider', 'station', 'operator')),
          legal_name text NOT NULL,
          legal_name_en text NOT NULL,
          unified_social_credit_code text NOT NULL CHECK (length(unified_social_credit_code) = 18),
          address text NOT NULL,
          mail text NOT NULL,
          phone text NOT NULL,
          tax_profile jsonb NOT NULL,
          bank_account jsonb,
          verified boolean NOT NULL,
          registered_at timestamptz NOT NULL,
          version int NOT NULL,
          -- A university is a customer and a provider; it is neither twice.
          UNIQUE (unified_social_credit_code, kind)
        );
        CREATE UNIQUE INDEX organisation_one_operator ON organisation (kind) WHERE kind = 'operator';
        CREATE INDEX organisation_by_registration ON organisation (registered_at, organisation_id);
        CREATE SEQUENCE number_org;

        CREATE TABLE member (
          member_id uuid PRIMARY KEY,
          organisation_id uuid NOT NULL REFERENCES organisation,
          name text NOT NULL,
          mail text NOT NULL,
          language text NOT NULL CHECK (language IN ('zh', 'en')),
          roles text[] NOT NULL,
          state text NOT NULL CHECK (state IN ('invited', 'joined', 'removed')),
          invited_at timestamptz NOT NULL,
          joined_at timestamptz,
          password_hash text NOT NULL,
          link_sha256 text NOT NULL,
          link_until timestamptz,
          version int NOT NULL,
          CHECK (state <> 'joined' OR password_hash <> '')
        );
        CREATE UNIQUE INDEX member_mail ON member (mail) WHERE state <> 'removed';
        CREATE UNIQUE INDEX member_link ON member (link_sha256) WHERE link_sha256 <> '';
        CREATE INDEX member_by_organisation ON member (organisation_id, invited_at, member_id);

        CREATE TABLE api_key (
          api_key_id uuid PRIMARY KEY,
          organisation_id uuid NOT NULL REFERENCES organisation,
          name text NOT NULL,
          prefix text NOT NULL,
          secret_sha256 text NOT NULL UNIQUE,
          roles text[] NOT NULL,
          created_by uuid REFERENCES member,
          created_at timestamptz NOT NULL,
          revoked_at timestamptz
        );
        CREATE INDEX api_key_by_organisation ON api_key (organisation_id, created_at, api_key_id);

        CREATE TABLE session (
          token_sha256 text PRIMARY KEY,
          member_id uuid NOT NULL REFERENCES member,
          created_at timestamptz NOT NULL,
          expires_at timestamptz NOT NULL
        );
        CREATE INDEX session_by_member ON session (member_id);
        CREATE INDEX session_by_end ON session (expires_at);
    """)
