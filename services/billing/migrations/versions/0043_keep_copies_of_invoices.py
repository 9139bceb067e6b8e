"""Keep copies of invoices: what they say is held beside the ledger."""

from alembic import op

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE invoice_copy (
          invoice_id uuid NOT NULL,
          kind text NOT NULL CHECK (kind IN ('blue', 'red', 'reduction')),
          number text NOT NULL,
          order_id uuid NOT NULL,
          refund_id uuid UNIQUE,
          buyer_id uuid NOT NULL,
          net bigint NOT NULL,
          tax bigint NOT NULL,
          currency text NOT NULL,
          issued_at timestamptz NOT NULL,
          PRIMARY KEY (invoice_id, order_id),
          CHECK ((kind = 'blue') = (refund_id IS NULL)),
          CHECK (CASE kind WHEN 'blue' THEN net >= 0 AND tax >= 0 ELSE net <= 0 AND tax <= 0 END)
        );
        CREATE UNIQUE INDEX invoice_copy_blue ON invoice_copy (order_id) WHERE kind = 'blue';
        CREATE INDEX invoice_copy_of_order ON invoice_copy (order_id);
    """)
