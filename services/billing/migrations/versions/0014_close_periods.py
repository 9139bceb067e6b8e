"""Closed months, and what stood on the accounts at the end of each."""

from alembic import op

from services.shared.chassis import schema

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE ledger_period (
          period text PRIMARY KEY CHECK (period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
          until timestamptz NOT NULL UNIQUE, -- the first instant after it
          closed_at timestamptz NOT NULL,
          closed_by text NOT NULL,
          trial_balance_sha256 text NOT NULL
        );
        -- Accounts that were even are left out. From here sums begin, not from the first entry there ever was.
        CREATE TABLE ledger_period_balance (
          until timestamptz NOT NULL REFERENCES ledger_period (until),
          account text NOT NULL,
          currency text NOT NULL,
          stands bigint NOT NULL CHECK (stands <> 0), -- debit less credit
          PRIMARY KEY (until, account, currency)
        );
    """)
    for table in ("ledger_period", "ledger_period_balance"):
        op.execute(schema.only_append(table))
        op.execute(f"""
            CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
              FOR EACH ROW EXECUTE FUNCTION refuse_change();
            CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
              FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
        """)
