"""Small enterprises are paid by a day, which stands on their statements."""

from alembic import op

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE small_enterprise (
          declaration_id uuid PRIMARY KEY,
          organisation_id uuid NOT NULL,
          state text NOT NULL CHECK (state IN ('declared', 'confirmed', 'refused')),
          is_small boolean NOT NULL,
          since date NOT NULL,
          declared_at timestamptz NOT NULL,
          declared_by text NOT NULL,
          decided_at timestamptz,
          decided_by text NOT NULL CHECK (decided_by <> declared_by),
          version int NOT NULL,
          CHECK ((state = 'declared') = (decided_at IS NULL))
        );
        CREATE INDEX small_enterprise_of ON small_enterprise (organisation_id, since) WHERE state = 'confirmed';
        CREATE INDEX small_enterprise_newest ON small_enterprise (declared_at, declaration_id);
        ALTER TABLE settlement ADD COLUMN due_on date;
        CREATE INDEX settlement_due ON settlement (due_on) WHERE due_on IS NOT NULL AND state <> 'paid';
    """)
