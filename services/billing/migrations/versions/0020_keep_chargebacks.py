"""Keep chargebacks: card payments that the customer's bank takes back."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE chargeback (
          chargeback_id uuid PRIMARY KEY,
          stripe_dispute_id text NOT NULL UNIQUE,
          charge_id text NOT NULL,
          payment_id uuid NOT NULL REFERENCES payment,
          order_id uuid NOT NULL REFERENCES contracted_order,
          order_number text NOT NULL,
          customer_id uuid NOT NULL,
          state text NOT NULL CHECK (state IN ('inquiry', 'needs_response', 'under_review', 'won', 'lost', 'closed')),
          reason text NOT NULL,
          currency text NOT NULL,
          amount bigint NOT NULL CHECK (amount > 0),
          opened_at timestamptz NOT NULL,
          withdrawn bigint NOT NULL,
          evidence_due_at timestamptz,
          submissions int NOT NULL,
          evidence jsonb NOT NULL,
          written int NOT NULL,
          bad_debt bigint NOT NULL CHECK (bad_debt >= 0),
          closed_at timestamptz,
          checks int NOT NULL,
          version int NOT NULL
        );
        CREATE INDEX chargeback_newest ON chargeback (opened_at, chargeback_id);
        CREATE INDEX chargeback_undecided ON chargeback (opened_at, chargeback_id)
          WHERE state IN ('inquiry', 'needs_response', 'under_review');
        ALTER TABLE refund DROP CONSTRAINT refund_cause_check;
        ALTER TABLE refund ADD CONSTRAINT refund_cause_check
          CHECK (cause IN ('cancellation', 'dispute', 'manual', 'chargeback'));
    """)
