"""The fee for what was cancelled is a line of its own kind, and no invoice is awaited for it: nothing was performed."""

from alembic import op

revision = "0063"
down_revision = "0062"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE accrual
          DROP CONSTRAINT accrual_kind_check,
          ADD CHECK (kind IN ('acceptance', 'correction', 'cancellation_fee'))
    """)
    op.execute("""
        UPDATE accrual SET kind = 'cancellation_fee' WHERE key LIKE 'cancel:%' AND settlement_id IS NULL
    """)
    op.execute("ALTER TABLE settlement ADD COLUMN invoice_awaited boolean NOT NULL DEFAULT true")
    op.execute("UPDATE settlement SET invoice_awaited = false WHERE net = 0")
    op.execute("ALTER TABLE settlement ALTER COLUMN invoice_awaited DROP DEFAULT")
