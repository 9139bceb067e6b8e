"""Providers divide their income among colleges and teams; orders keep the price of each line."""

from alembic import op

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE income_allocation (
          allocation_id uuid PRIMARY KEY,
          provider_id uuid NOT NULL,
          offering_id uuid,
          since date NOT NULL,
          shares jsonb NOT NULL,
          set_at timestamptz NOT NULL,
          set_by text NOT NULL
        );
        CREATE INDEX income_allocation_of ON income_allocation (provider_id, set_at, allocation_id);
    """)
