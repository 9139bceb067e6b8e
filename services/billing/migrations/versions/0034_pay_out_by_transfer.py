"""By which way a party is paid, and payouts that the payment institution pays."""

from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE payout_channel (
          payout_channel_id uuid PRIMARY KEY,
          party_id uuid NOT NULL,
          way text NOT NULL CHECK (way IN ('bank', 'stripe_transfer')),
          account_id text NOT NULL CHECK ((way = 'stripe_transfer') = (account_id <> '')),
          agreement text NOT NULL,
          state text NOT NULL CHECK (state IN ('proposed', 'agreed', 'refused', 'ended')),
          proposed_at timestamptz NOT NULL,
          proposed_by text NOT NULL,
          decided_at timestamptz,
          decided_by text NOT NULL,
          transfers text NOT NULL CHECK (transfers IN ('unknown', 'active', 'inactive')),
          checked_at timestamptz,
          version int NOT NULL,
          CHECK ((state = 'proposed') = (decided_at IS NULL)),
          CHECK (state NOT IN ('agreed', 'ended') OR decided_by <> proposed_by)
        );
        CREATE UNIQUE INDEX payout_channel_proposed ON payout_channel (party_id) WHERE state = 'proposed';
        CREATE UNIQUE INDEX payout_channel_agreed ON payout_channel (party_id) WHERE state = 'agreed';
        -- An account that two parties were paid to would be one of them with two names.
        CREATE UNIQUE INDEX payout_channel_account ON payout_channel (account_id)
          WHERE state = 'agreed' AND account_id <> '';
        CREATE INDEX payout_channel_newest ON payout_channel (proposed_at, payout_channel_id);
    """)
    op.execute("""
        ALTER TABLE payout
          ADD COLUMN way text NOT NULL DEFAULT 'bank' CHECK (way IN ('bank', 'stripe_transfer')),
          ADD COLUMN transfer_id text NOT NULL DEFAULT '',
          ADD CHECK (way = 'bank' OR bank_order_id IS NULL)
    """)
    op.execute("CREATE UNIQUE INDEX payout_of_transfer ON payout (transfer_id) WHERE transfer_id <> ''")
