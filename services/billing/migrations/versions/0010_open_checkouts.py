"""Open checkouts: pages of the payment institution; the card's bank may ask the customer."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE checkout (
          checkout_id uuid PRIMARY KEY,
          payment_id uuid NOT NULL REFERENCES payment,
          state text NOT NULL CHECK (state IN ('created', 'open', 'complete', 'expired', 'failed')),
          success_url text NOT NULL,
          cancel_url text NOT NULL,
          opened_at timestamptz NOT NULL,
          session_id text UNIQUE,
          url text,
          expires_at timestamptz,
          failure text NOT NULL,
          checks int NOT NULL,
          version int NOT NULL
        );
        -- One page at a time on which a payment may be paid, whatever the code above may do.
        CREATE UNIQUE INDEX checkout_current ON checkout (payment_id) WHERE state IN ('created', 'open');
        ALTER TABLE payment ADD COLUMN action_required boolean NOT NULL DEFAULT false;
    """)
