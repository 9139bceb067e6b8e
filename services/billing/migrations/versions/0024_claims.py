"""Claims to the authorities of programmes, with their evidence."""

from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE order_evidence (
          order_id uuid NOT NULL,
          kind text NOT NULL
            CHECK (kind IN ('quotation', 'contract', 'report', 'invoice', 'receipt', 'acceptance')),
          reference uuid NOT NULL,
          number text NOT NULL,
          sha256 text NOT NULL,
          at timestamptz NOT NULL,
          PRIMARY KEY (order_id, kind, reference)
        );
        CREATE INDEX order_evidence_report ON order_evidence (sha256) WHERE kind = 'report';

        CREATE TABLE claim (
          claim_id uuid PRIMARY KEY,
          number text NOT NULL UNIQUE,
          state text NOT NULL
            CHECK (state IN ('submitted', 'first_reviewed', 'approved', 'sent_back', 'rejected', 'paid')),
          programme_id uuid NOT NULL REFERENCES programme,
          programme_version_id uuid NOT NULL REFERENCES programme_version,
          claimant_id uuid NOT NULL,
          redeem_to text NOT NULL,
          currency text NOT NULL,
          amount bigint NOT NULL CHECK (amount > 0),
          submitted_at timestamptz NOT NULL,
          submitted_by text NOT NULL,
          use_id uuid NOT NULL REFERENCES voucher_use,
          order_id uuid NOT NULL,
          order_number text NOT NULL,
          voucher_id uuid NOT NULL,
          evidence jsonb NOT NULL,
          results jsonb NOT NULL,
          findings jsonb NOT NULL,
          automatic boolean NOT NULL,
          reason text NOT NULL,
          first_reviewed_by text NOT NULL,
          second_reviewed_by text NOT NULL,
          approved_at timestamptz,
          paid bigint NOT NULL CHECK (paid BETWEEN 0 AND amount),
          paid_at timestamptz,
          paid_reference text NOT NULL,
          due_on date,
          pack_key text,
          pack_sha256 text NOT NULL,
          pack_size bigint NOT NULL,
          version int NOT NULL,
          -- three hands, whatever the code above may do
          CHECK (first_reviewed_by = '' OR first_reviewed_by <> submitted_by),
          CHECK (second_reviewed_by = '' OR second_reviewed_by NOT IN (submitted_by, first_reviewed_by)),
          CHECK (state NOT IN ('approved', 'paid') OR automatic OR second_reviewed_by <> '')
        );
        -- An order is claimed once, under whichever programme.
        CREATE UNIQUE INDEX claim_of_order ON claim (order_id) WHERE state <> 'rejected';
        CREATE INDEX claim_newest ON claim (submitted_at, claim_id);
        CREATE INDEX claim_of_claimant ON claim (claimant_id, submitted_at, claim_id);
        CREATE INDEX claim_of_programme ON claim (programme_id, submitted_at, claim_id);
        CREATE SEQUENCE number_vc;
    """)
