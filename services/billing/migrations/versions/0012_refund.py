"""Give back what was paid: refunds, and what of each payment they take."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE refund (
          refund_id uuid PRIMARY KEY,
          number text NOT NULL UNIQUE,
          order_id uuid NOT NULL REFERENCES contracted_order,
          order_number text NOT NULL,
          n int NOT NULL,
          customer_id uuid NOT NULL,
          cause text NOT NULL CHECK (cause IN ('cancellation', 'dispute', 'manual')),
          state text NOT NULL
            CHECK (state IN ('requested', 'awaiting_red_letter', 'pending', 'succeeded', 'failed', 'cancelled')),
          currency text NOT NULL,
          burden text NOT NULL CHECK (burden IN ('provider', 'company')),
          station_base text NOT NULL CHECK (station_base IN ('remaining', 'original')),
          reason text NOT NULL,
          requested_at timestamptz NOT NULL,
          requested_by text NOT NULL,
          asked bigint NOT NULL,
          net bigint NOT NULL,
          tax bigint NOT NULL,
          dispute_id uuid,
          performed boolean NOT NULL,
          takes jsonb,
          parts jsonb NOT NULL,
          approved_by text NOT NULL CHECK (approved_by <> requested_by), -- four eyes, whatever the code may do
          waived_by text NOT NULL,
          agreed_at timestamptz,
          succeeded_at timestamptz,
          version int NOT NULL,
          UNIQUE (order_id, n)
        );
        CREATE INDEX refund_newest ON refund (requested_at, refund_id);
        CREATE INDEX refund_of_customer ON refund (customer_id, requested_at, refund_id);
        CREATE INDEX refund_in_state ON refund (state, requested_at, refund_id);
        CREATE SEQUENCE number_rf;

        ALTER TABLE contracted_order ADD COLUMN remaining jsonb;
        ALTER TABLE payment ADD COLUMN refunded bigint NOT NULL DEFAULT 0;
        ALTER TABLE payment ADD CHECK (refunded BETWEEN 0 AND received);
    """)
