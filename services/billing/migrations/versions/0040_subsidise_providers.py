"""Subsidies: a provider's claim over the orders of a period."""

from alembic import op

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE subsidy (
          subsidy_id uuid PRIMARY KEY,
          number text NOT NULL UNIQUE,
          state text NOT NULL
            CHECK (state IN ('submitted', 'first_reviewed', 'approved', 'sent_back', 'rejected', 'paid')),
          programme_id uuid NOT NULL REFERENCES programme,
          programme_version_id uuid NOT NULL REFERENCES programme_version,
          provider_id uuid NOT NULL,
          currency text NOT NULL,
          first_on date NOT NULL,
          last_on date NOT NULL CHECK (last_on > first_on),
          year int NOT NULL,
          "left" jsonb NOT NULL,
          submitted_at timestamptz NOT NULL,
          submitted_by text NOT NULL,
          net bigint NOT NULL CHECK (net >= 0),
          gross bigint NOT NULL CHECK (gross >= 0),
          amount bigint NOT NULL CHECK (amount BETWEEN 0 AND gross),
          order_count int NOT NULL CHECK (order_count > 0),
          left_out jsonb NOT NULL,
          results jsonb NOT NULL,
          findings jsonb NOT NULL,
          reason text NOT NULL,
          first_reviewed_by text NOT NULL,
          second_reviewed_by text NOT NULL,
          approved_at timestamptz,
          paid bigint NOT NULL CHECK (paid >= 0),
          paid_at timestamptz,
          paid_reference text NOT NULL,
          pack_key text,
          pack_sha256 text NOT NULL,
          pack_size bigint NOT NULL,
          version int NOT NULL,
          -- three hands, whatever the code above may do
          CHECK (first_reviewed_by = '' OR first_reviewed_by <> submitted_by),
          CHECK (second_reviewed_by = '' OR second_reviewed_by NOT IN (submitted_by, first_reviewed_by)),
          CHECK (state NOT IN ('approved', 'paid') OR second_reviewed_by <> '')
        );
        -- A period is claimed once, whoever asks how often.
        CREATE UNIQUE INDEX subsidy_of_period ON subsidy (programme_id, provider_id, first_on)
          WHERE state <> 'rejected';
        CREATE INDEX subsidy_newest ON subsidy (submitted_at, subsidy_id);
        CREATE INDEX subsidy_of_provider ON subsidy (provider_id, submitted_at, subsidy_id);
        CREATE INDEX subsidy_of_programme ON subsidy (programme_id, submitted_at, subsidy_id);
        CREATE SEQUENCE number_sb;

        CREATE TABLE subsidy_order (
          subsidy_id uuid NOT NULL REFERENCES subsidy,
          order_id uuid NOT NULL,
          order_number text NOT NULL,
          customer_id uuid NOT NULL,
          accepted_at timestamptz NOT NULL,
          net bigint NOT NULL CHECK (net >= 0),
          gross bigint NOT NULL CHECK (gross >= 0),
          evidence jsonb NOT NULL,
          live boolean NOT NULL,
          PRIMARY KEY (subsidy_id, order_id)
        );
        -- An order is subsidised once, by whichever programme.
        CREATE UNIQUE INDEX subsidy_order_once ON subsidy_order (order_id) WHERE live;
        CREATE INDEX contracted_order_done ON contracted_order (provider_id, accepted_at) WHERE accepted_at IS NOT NULL;
    """)
