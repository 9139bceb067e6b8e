"""Adjust items of reconciliation: what nobody books by itself is booked by two people, against an item."""

from alembic import op

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE adjustment ADD COLUMN item_id uuid REFERENCES reconciliation_item,
          DROP CONSTRAINT adjustment_kind_check,
          ADD CONSTRAINT adjustment_kind_check
            CHECK (kind IN ('reversal', 'write_off', 'rounding', 'reclassification', 'reconciliation')),
          ADD CHECK ((kind = 'reconciliation') = (item_id IS NOT NULL));
        CREATE UNIQUE INDEX adjustment_of_item ON adjustment (item_id) WHERE state = 'proposed';
        CREATE INDEX adjustment_transaction ON adjustment (transaction_id);
    """)
