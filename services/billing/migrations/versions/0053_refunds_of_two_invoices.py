"""What a refund made the fee more has an invoice; a refund may take back of two, by a red letter each."""

from alembic import op

revision = "0053"
down_revision = "0052"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE invoice_copy ADD parts int NOT NULL DEFAULT 1 CHECK (parts > 0);
        ALTER TABLE invoice_copy DROP CONSTRAINT invoice_copy_check;
        ALTER TABLE invoice_copy ADD CONSTRAINT invoice_copy_of_refund CHECK (kind = 'blue' OR refund_id IS NOT NULL);
        ALTER TABLE invoice_copy DROP CONSTRAINT invoice_copy_refund_id_key;
        CREATE UNIQUE INDEX invoice_copy_refund ON invoice_copy (refund_id) WHERE parts = 1;
        CREATE INDEX invoice_copy_refund_parts ON invoice_copy (refund_id);
        DROP INDEX invoice_copy_blue;
        CREATE UNIQUE INDEX invoice_copy_blue ON invoice_copy (order_id) WHERE kind = 'blue' AND refund_id IS NULL;
    """)
