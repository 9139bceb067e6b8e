"""State programmes: what the authority says it has granted and paid, to be reconciled."""

from alembic import op

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE programme_statement (
          statement_id uuid PRIMARY KEY,
          programme_id uuid NOT NULL REFERENCES programme,
          until date NOT NULL,
          sha256 text NOT NULL,
          imported_at timestamptz NOT NULL,
          imported_by text NOT NULL
        );
        CREATE INDEX programme_statement_newest ON programme_statement (programme_id, until, imported_at);
        CREATE TABLE programme_statement_line (
          statement_id uuid NOT NULL REFERENCES programme_statement,
          order_number text NOT NULL,
          state text NOT NULL CHECK (state IN ('granted', 'paid', 'rejected')),
          amount bigint NOT NULL CHECK (amount >= 0),
          currency text NOT NULL,
          decided_on date NOT NULL,
          PRIMARY KEY (statement_id, order_number)
        );
    """)
