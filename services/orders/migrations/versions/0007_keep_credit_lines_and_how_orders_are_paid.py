"""Keep credit lines, and how each order is to be paid."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE credit_line (
          customer_id uuid NOT NULL,
          currency text NOT NULL,
          credit_line_id uuid NOT NULL UNIQUE,
          active boolean NOT NULL,
          net_days int NOT NULL,
          before_work_bps int NOT NULL,
          valid_until date NOT NULL,
          PRIMARY KEY (customer_id, currency)
        );
        ALTER TABLE orders ADD COLUMN payment_terms jsonb NOT NULL DEFAULT '{}';
    """)
