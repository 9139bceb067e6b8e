"""On which statement stands what a provider sold itself: told to it there, for nothing of it is owed."""

from alembic import op

revision = "0056"
down_revision = "0055"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE stated_sale (
          order_id uuid PRIMARY KEY,
          settlement_id uuid NOT NULL REFERENCES settlement
        );
        CREATE INDEX stated_sale_settlement ON stated_sale (settlement_id);
    """)
    op.execute("""
        ALTER TABLE settlement DROP CONSTRAINT settlement_net_check,
          ADD CONSTRAINT settlement_net_check CHECK (net > 0 OR (net = 0 AND tax = 0 AND state = 'paid'))
    """)
    # Closing looks for those that no statement lists.
    op.execute("""
        CREATE INDEX contracted_order_sold ON contracted_order (accepted_at)
        WHERE split_terms ->> 'commission_rate_bps' IS NOT NULL AND accepted_at IS NOT NULL
    """)
