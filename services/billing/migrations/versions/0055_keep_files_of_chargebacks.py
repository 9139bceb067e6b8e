"""Files are evidence for a chargeback too; evidence is sent once at a time."""

from alembic import op

revision = "0055"
down_revision = "0054"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE chargeback
          ADD COLUMN files jsonb NOT NULL DEFAULT '{}',
          ADD COLUMN submitting boolean NOT NULL DEFAULT false;
    """)
