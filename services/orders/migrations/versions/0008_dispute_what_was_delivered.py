"""Dispute what was delivered."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE dispute (
          dispute_id uuid PRIMARY KEY,
          number text NOT NULL UNIQUE,
          order_id uuid NOT NULL REFERENCES orders,
          order_number text NOT NULL,
          customer_id uuid NOT NULL,
          provider_id uuid NOT NULL,
          state text NOT NULL CHECK (state IN ('opened', 'answered', 'decided', 'executed', 'withdrawn')),
          reason text NOT NULL
            CHECK (reason IN ('result_wrong', 'not_as_agreed', 'late', 'sample_damaged', 'other')),
          lines int[] NOT NULL,
          text text NOT NULL,
          opened_at timestamptz NOT NULL,
          time_left_s int,
          evidence jsonb NOT NULL,
          comments jsonb NOT NULL,
          answered_at timestamptz,
          decision jsonb,
          closed_at timestamptz,
          CHECK ((closed_at IS NULL) = (state IN ('opened', 'answered')))
        );
        CREATE UNIQUE INDEX dispute_open ON dispute (order_id) WHERE closed_at IS NULL;
        CREATE INDEX dispute_newest ON dispute (opened_at, dispute_id);
        CREATE INDEX dispute_of_customer ON dispute (customer_id, opened_at, dispute_id);
        CREATE INDEX dispute_of_provider ON dispute (provider_id, opened_at, dispute_id);
        CREATE INDEX dispute_of_order ON dispute (order_id);
        CREATE SEQUENCE number_dp;
    """)
