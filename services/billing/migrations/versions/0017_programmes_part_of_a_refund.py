"""A refund gives the programme of a voucher its part."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE refund ADD COLUMN to_programme bigint NOT NULL DEFAULT 0 CHECK (to_programme >= 0);
        ALTER TABLE refund ADD COLUMN programme_account text NOT NULL DEFAULT '';
    """)
