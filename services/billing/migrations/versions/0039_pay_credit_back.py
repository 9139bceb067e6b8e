"""Pay customers' credit back to them."""

from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE credit_payback (
          credit_payback_id uuid PRIMARY KEY,
          number text NOT NULL UNIQUE,
          state text NOT NULL CHECK (state IN ('requested', 'ordered', 'paid', 'failed', 'returned', 'cancelled')),
          customer_id uuid NOT NULL,
          currency text NOT NULL,
          amount bigint NOT NULL CHECK (amount > 0),
          reason text NOT NULL,
          bank_name text NOT NULL,
          account_name text NOT NULL,
          account_number text NOT NULL,
          requested_at timestamptz NOT NULL,
          requested_by text NOT NULL,
          approved_at timestamptz,
          approved_by text NOT NULL CHECK (approved_by <> requested_by),
          paid_at timestamptz,
          failure text NOT NULL,
          document_key text,
          document_sha256 text NOT NULL,
          document_size bigint NOT NULL,
          version int NOT NULL
        );
        CREATE INDEX credit_payback_newest ON credit_payback (requested_at, credit_payback_id);
        CREATE INDEX credit_payback_of_customer ON credit_payback (customer_id, requested_at, credit_payback_id);
        CREATE SEQUENCE number_cp;
    """)
