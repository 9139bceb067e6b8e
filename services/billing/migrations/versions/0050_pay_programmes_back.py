"""What programmes are to have back is paid back to their authorities, and never more than that."""

from alembic import op

revision = "0050"
down_revision = "0049"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE credit_payback ALTER COLUMN customer_id DROP NOT NULL;
        ALTER TABLE credit_payback ADD COLUMN programme_id uuid REFERENCES programme;
        ALTER TABLE credit_payback ADD CHECK (num_nonnulls(customer_id, programme_id) = 1);
        CREATE INDEX credit_payback_of_programme ON credit_payback (programme_id, requested_at, credit_payback_id)
          WHERE programme_id IS NOT NULL;
        UPDATE account SET min_balance = 0 WHERE account LIKE 'L:voucher_clawback:%';
    """)
