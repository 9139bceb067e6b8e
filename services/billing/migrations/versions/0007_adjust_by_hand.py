"""Adjustments of the ledger by hand, with four eyes."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE adjustment (
          adjustment_id uuid PRIMARY KEY,
          number text NOT NULL UNIQUE,
          kind text NOT NULL CHECK (kind IN ('reversal', 'write_off', 'rounding', 'reclassification')),
          state text NOT NULL CHECK (state IN ('proposed', 'approved', 'refused')),
          reason text NOT NULL CHECK (reason <> ''),
          order_id uuid,
          order_number text NOT NULL,
          reverses uuid,
          entries jsonb NOT NULL,
          effective_at timestamptz NOT NULL,
          proposed_at timestamptz NOT NULL,
          proposed_by text NOT NULL,
          decided_at timestamptz,
          decided_by text NOT NULL,
          transaction_id uuid REFERENCES ledger_tx,
          version int NOT NULL,
          CHECK ((kind = 'reversal') = (reverses IS NOT NULL)),
          CHECK ((state = 'approved') = (transaction_id IS NOT NULL)),
          CHECK (state <> 'approved' OR decided_by <> proposed_by) -- four eyes, whatever the code above may do
        );
        CREATE INDEX adjustment_newest ON adjustment (proposed_at, adjustment_id);
        CREATE INDEX adjustment_open ON adjustment (proposed_at, adjustment_id) WHERE state = 'proposed';
        CREATE SEQUENCE number_aj;
    """)
