"""Keep orders at the splitting channel, their splits, and the returns of those."""

from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE channel_order (
          payment_id uuid PRIMARY KEY REFERENCES payment,
          order_id uuid NOT NULL UNIQUE REFERENCES contracted_order,
          order_number text NOT NULL,
          payee_id uuid NOT NULL,
          currency text NOT NULL,
          amount bigint NOT NULL CHECK (amount > 0),
          state text NOT NULL
            CHECK (state IN ('created', 'open', 'paid', 'settled', 'released', 'closed', 'failed')),
          opened_at timestamptz NOT NULL,
          code_url text NOT NULL,
          transaction_id text NOT NULL,
          paid_at timestamptz,
          late boolean NOT NULL,
          failure text NOT NULL,
          checks int NOT NULL,
          version int NOT NULL,
          CHECK ((paid_at IS NOT NULL) = (transaction_id <> ''))
        );
        CREATE UNIQUE INDEX channel_order_transaction ON channel_order (transaction_id) WHERE transaction_id <> '';

        CREATE TABLE split_order (
          order_id uuid PRIMARY KEY REFERENCES contracted_order,
          order_number text NOT NULL,
          payment_id uuid NOT NULL UNIQUE REFERENCES channel_order,
          provider_id uuid NOT NULL,
          currency text NOT NULL,
          amount bigint NOT NULL CHECK (amount >= 0),
          state text NOT NULL CHECK (state IN ('requested', 'processing', 'finished', 'failed')),
          requested_at timestamptz NOT NULL,
          finished_at timestamptz,
          failure text NOT NULL,
          checks int NOT NULL,
          version int NOT NULL,
          CHECK ((finished_at IS NOT NULL) = (state = 'finished'))
        );

        CREATE TABLE split_return (
          refund_id uuid PRIMARY KEY,
          order_id uuid NOT NULL REFERENCES split_order,
          order_number text NOT NULL,
          provider_id uuid NOT NULL,
          currency text NOT NULL,
          amount bigint NOT NULL CHECK (amount > 0),
          state text NOT NULL CHECK (state IN ('processing', 'success', 'failed')),
          requested_at timestamptz NOT NULL,
          n int NOT NULL CHECK (n > 0),
          netted bigint NOT NULL CHECK (netted BETWEEN 0 AND amount),
          sent boolean NOT NULL,
          failure text NOT NULL,
          succeeded_at timestamptz,
          checks int NOT NULL,
          version int NOT NULL,
          CHECK ((succeeded_at IS NOT NULL) = (state = 'success'))
        );
        CREATE INDEX split_return_of_order ON split_return (order_id, refund_id);

        ALTER TABLE payment DROP CONSTRAINT payment_method_check;
        ALTER TABLE payment ADD CONSTRAINT payment_method_check
          CHECK (method IN ('card', 'bank_transfer', 'platform_channel'));
    """)
