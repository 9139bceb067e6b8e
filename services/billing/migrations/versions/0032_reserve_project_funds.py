"""Project funds are reserved at a university's finance system, executed there, and returned after refunds."""

from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE funding (
          funding_id uuid PRIMARY KEY,
          order_id uuid NOT NULL,
          order_number text NOT NULL,
          n int NOT NULL CHECK (n > 0),
          customer_id uuid NOT NULL,
          provider_id uuid NOT NULL,
          legal_entity text NOT NULL,
          project_number text NOT NULL,
          responsible_person text NOT NULL,
          cost_category text NOT NULL,
          state text NOT NULL CHECK (
            state IN ('requested', 'reserved', 'refused', 'executed', 'released', 'lapsed', 'unknown')),
          wanted text NOT NULL CHECK (wanted IN ('reserved', 'executed', 'released')),
          currency text NOT NULL,
          amount bigint NOT NULL CHECK (amount > 0),
          fee_bps int NOT NULL CHECK (fee_bps BETWEEN 0 AND 10000),
          fee_tax_bps int NOT NULL CHECK (fee_tax_bps BETWEEN 0 AND 10000),
          requested_at timestamptz NOT NULL,
          to_execute bigint NOT NULL CHECK (to_execute BETWEEN 0 AND amount),
          to_return bigint NOT NULL CHECK (to_return BETWEEN 0 AND to_execute),
          executed bigint NOT NULL CHECK (executed BETWEEN 0 AND amount),
          returned bigint NOT NULL CHECK (returned BETWEEN 0 AND executed),
          reason text NOT NULL,
          expires_at timestamptz,
          reserved_at timestamptz,
          asked int NOT NULL,
          checks int NOT NULL,
          version int NOT NULL,
          UNIQUE (order_id, n),
          CHECK ((state = 'refused') = (reason <> ''))
        );
        CREATE INDEX funding_newest ON funding (requested_at, funding_id);
        -- One at a time: the next is asked for only when the one before holds no promise any more.
        CREATE UNIQUE INDEX funding_asked ON funding (order_id)
          WHERE state IN ('requested', 'reserved', 'unknown') AND executed = 0;
    """)
    op.execute("ALTER TABLE placed_order ADD COLUMN internal boolean NOT NULL DEFAULT false")
