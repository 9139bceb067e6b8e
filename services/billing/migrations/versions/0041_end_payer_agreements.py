"""Payer agreements are seen by two and may be ended; account numbers are compared in one form."""

from alembic import op

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    # What one person alone has recorded so far waits for a second one.
    op.execute("""
        ALTER TABLE payer_agreement
          ADD COLUMN state text NOT NULL DEFAULT 'proposed'
            CHECK (state IN ('proposed', 'in_force', 'refused', 'withdrawn')),
          ADD COLUMN decided_at timestamptz,
          ADD COLUMN decided_by text NOT NULL DEFAULT '',
          ADD COLUMN ended_at timestamptz,
          ADD COLUMN ended_by text NOT NULL DEFAULT '',
          ADD CHECK (state IN ('proposed', 'refused') OR (decided_by <> '' AND decided_by <> recorded_by));
        CREATE INDEX organisation_account_form
          ON organisation (regexp_replace(upper(normalize(account_number, NFKC)), '[\\W_]+', '', 'g'))
          WHERE account_number <> '';
    """)
