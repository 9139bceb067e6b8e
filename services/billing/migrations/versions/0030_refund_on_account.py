"""Refund what is not paid yet: less is owed then, down to nothing."""

from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE refund ADD COLUMN on_account bigint NOT NULL DEFAULT 0 CHECK (on_account >= 0);
        ALTER TABLE credit DROP CONSTRAINT credit_amount_check, ADD CHECK (amount >= 0);
        ALTER TABLE receivable DROP CONSTRAINT receivable_amount_check, ADD CHECK (amount >= 0);
    """)
