"""What the payment institution pays out to our bank is kept, so that the bank's line of it is matched by itself."""

from alembic import op

revision = "0051"
down_revision = "0050"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE stripe_payout (
          psp_payout_id uuid PRIMARY KEY,
          stripe_payout_id text NOT NULL UNIQUE,
          amount bigint NOT NULL CHECK (amount <> 0),
          currency text NOT NULL,
          arrives_on date NOT NULL,
          state text NOT NULL CHECK (state IN ('under_way', 'failed')),
          trace text NOT NULL,
          line_id uuid,
          return_line_id uuid CHECK (return_line_id <> line_id)
        );
        CREATE INDEX stripe_payout_by_day ON stripe_payout (arrives_on);
        CREATE INDEX bank_line_of_institution ON bank_line (currency, amount)
          WHERE state = 'suspense' OR target = 'psp';
    """)
