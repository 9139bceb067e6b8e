"""Orders that wait for their month's invoice; with whom that is agreed."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE invoice_terms (
          customer_id uuid PRIMARY KEY,
          timing text NOT NULL CHECK (timing IN ('on_acceptance', 'monthly_collective')),
          since timestamptz NOT NULL,
          set_by text NOT NULL
        );
        CREATE TABLE uninvoiced_order (
          order_id uuid PRIMARY KEY,
          customer_id uuid NOT NULL,
          month text NOT NULL CHECK (month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
          currency text NOT NULL,
          net_minor bigint NOT NULL CHECK (net_minor >= 0),
          tax_minor bigint NOT NULL CHECK (tax_minor >= 0),
          tax_rate_bps int NOT NULL,
          on_credit_minor bigint NOT NULL CHECK (on_credit_minor >= 0),
          net_days int NOT NULL,
          accepted_at timestamptz NOT NULL,
          invoice_id uuid REFERENCES invoice DEFERRABLE INITIALLY DEFERRED,
          lowered_by jsonb NOT NULL
        );
        CREATE INDEX uninvoiced_waiting ON uninvoiced_order (customer_id, order_id) WHERE invoice_id IS NULL;
        CREATE INDEX uninvoiced_invoice ON uninvoiced_order (invoice_id) WHERE invoice_id IS NOT NULL;
    """)
