"""A commission that rises on a refund has an invoice of its own; a refund may take back of both."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE invoice ADD refund_id uuid;
        ALTER TABLE invoice DROP CONSTRAINT invoice_order_id_key;
        ALTER TABLE invoice ADD CONSTRAINT invoice_of_order UNIQUE NULLS NOT DISTINCT (order_id, refund_id);
        ALTER TABLE red_letter ADD parts int NOT NULL DEFAULT 1 CHECK (parts > 0);
        ALTER TABLE red_letter DROP CONSTRAINT red_letter_refund_id_key;
        ALTER TABLE red_letter ADD CONSTRAINT red_letter_of_refund UNIQUE (refund_id, invoice_id);
    """)
