"""Messaging tables; copies of organisations; providers."""

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
          kind text NOT NULL,
          legal_name text NOT NULL,
          legal_name_en text NOT NULL,
          verified boolean NOT NULL,
          has_bank_account boolean NOT NULL
        );
        CREATE TABLE provider (
          provider_id uuid PRIMARY KEY,
          number text NOT NULL UNIQUE,
          state text NOT NULL CHECK (state IN ('applied', 'under_review', 'approved', 'suspended', 'terminated',
                                               'rejected')),
          name_zh text NOT NULL,
          name_en text NOT NULL,
          region text NOT NULL,
          introduction text NOT NULL,
          entry_standards text[] NOT NULL,
          applied_at timestamptz NOT NULL,
          reason text NOT NULL,
          version int NOT NULL
        );
        CREATE INDEX provider_by_application ON provider (applied_at, provider_id);
        CREATE SEQUENCE number_pr;
    """)
