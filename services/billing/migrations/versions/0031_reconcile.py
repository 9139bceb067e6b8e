"""Reconcile: what Stripe and the bank state, the runs that compare it, and what they found."""

from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE stripe_movement (
          movement_id text PRIMARY KEY,
          kind text NOT NULL,
          amount bigint NOT NULL,
          fee bigint NOT NULL,
          fee_vat bigint NOT NULL,
          currency text NOT NULL,
          origin text NOT NULL,
          ours text NOT NULL,
          created_at timestamptz NOT NULL
        );
        CREATE INDEX stripe_movement_newest ON stripe_movement (created_at);
    """)
    op.execute("""
        CREATE TABLE bank_balance (
          bank_file_id uuid NOT NULL,
          account text NOT NULL,
          currency text NOT NULL,
          day date NOT NULL,
          opening bigint NOT NULL,
          closing bigint NOT NULL,
          stated_at timestamptz NOT NULL,
          PRIMARY KEY (account, currency, day, bank_file_id)
        )
    """)
    op.execute("""
        CREATE TABLE reconciliation_run (
          run_id uuid PRIMARY KEY,
          source text NOT NULL,
          day date NOT NULL,
          until timestamptz NOT NULL,
          state text NOT NULL CHECK (state IN ('running', 'done', 'failed')),
          asked_by text NOT NULL,
          started_at timestamptz NOT NULL,
          finished_at timestamptz,
          matched bigint NOT NULL,
          ours_only bigint NOT NULL,
          theirs_only bigint NOT NULL,
          amount_differs bigint NOT NULL,
          overdue bigint NOT NULL,
          balances jsonb NOT NULL,
          failure text NOT NULL
        );
        CREATE INDEX reconciliation_run_newest ON reconciliation_run (started_at, run_id);
    """)
    op.execute("""
        CREATE TABLE reconciliation_item (
          item_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
          source text NOT NULL,
          kind text NOT NULL,
          reference text NOT NULL,
          currency text NOT NULL,
          state text NOT NULL CHECK (state IN ('ours_only', 'theirs_only', 'amount_differs')),
          occurred_at timestamptz NOT NULL,
          first_seen_at timestamptz NOT NULL,
          overdue boolean NOT NULL,
          last_run_id uuid NOT NULL REFERENCES reconciliation_run,
          resolved_at timestamptz,
          UNIQUE (source, kind, reference, currency)
        );
        CREATE INDEX reconciliation_item_open ON reconciliation_item (source) WHERE resolved_at IS NULL;
    """)
    # What a run found, for good: a later run of the same day adds its own.
    op.execute("""
        CREATE TABLE reconciliation_finding (
          run_id uuid NOT NULL REFERENCES reconciliation_run,
          item_id uuid NOT NULL REFERENCES reconciliation_item,
          state text NOT NULL,
          ours bigint,
          theirs bigint,
          occurred_at timestamptz NOT NULL,
          first_seen_at timestamptz NOT NULL,
          overdue boolean NOT NULL,
          detail text NOT NULL,
          PRIMARY KEY (run_id, item_id)
        );
        CREATE INDEX reconciliation_finding_oldest ON reconciliation_finding (run_id, occurred_at, item_id);
    """)
    # Due at once; from then on it sets itself again (use_cases/reconciliation.py).
    op.execute("""
        INSERT INTO timer (id, kind, subject, due_at, headers)
        VALUES ('7d2a1c84-0b5e-5c3f-8a96-2f4b8e6d1a03', 'reconcile_daily', 'daily', 'epoch', '{}')
    """)
