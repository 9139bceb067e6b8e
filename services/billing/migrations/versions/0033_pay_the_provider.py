"""Where the provider sells, customers may pay into its own account, or into a bank's custody."""

from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE payment DROP CONSTRAINT payment_method_check;
        ALTER TABLE payment ADD CONSTRAINT payment_method_check
          CHECK (method IN ('card', 'bank_transfer', 'platform_channel', 'direct_transfer'));
        ALTER TABLE placed_order ADD COLUMN collection_model text NOT NULL DEFAULT 'principal_own_account';
    """)
