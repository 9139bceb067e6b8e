"""Bank orders over several payouts, what the bank answers to them, and when a party's bank account changed."""

from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE bank_order (
          bank_order_id uuid PRIMARY KEY,
          number text NOT NULL UNIQUE,
          format text NOT NULL CHECK (format IN ('pain.001.001.03', 'pain.001.001.09', 'csv')),
          currency text NOT NULL,
          count int NOT NULL CHECK (count > 0),
          total bigint NOT NULL CHECK (total > 0),
          ordered_at timestamptz NOT NULL,
          ordered_by text NOT NULL,
          document_key text,
          document_sha256 text NOT NULL,
          document_size bigint NOT NULL,
          version int NOT NULL
        );
        CREATE INDEX bank_order_newest ON bank_order (ordered_at, bank_order_id);
        CREATE SEQUENCE number_bo;
    """)
    op.execute("""
        ALTER TABLE payout
          DROP CONSTRAINT payout_state_check,
          ADD CHECK (state IN ('created', 'released', 'in_transit', 'paid', 'failed', 'returned', 'cancelled')),
          DROP COLUMN bank_order_key,
          ADD COLUMN bank_order_id uuid REFERENCES bank_order,
          ADD COLUMN bank_status text NOT NULL DEFAULT '',
          ADD COLUMN failure text NOT NULL DEFAULT '',
          ADD COLUMN early_return uuid
    """)
    op.execute("CREATE INDEX payout_of_bank_order ON payout (bank_order_id) WHERE bank_order_id IS NOT NULL")
    op.execute("DROP INDEX payout_of_settlement")
    op.execute("""
        CREATE UNIQUE INDEX payout_of_settlement ON payout (settlement_id)
          WHERE state IN ('created', 'released', 'in_transit', 'paid')
    """)
    op.execute("""
        ALTER TABLE organisation
          ADD COLUMN verified boolean NOT NULL DEFAULT false,
          ADD COLUMN account_changed_at timestamptz
    """)
