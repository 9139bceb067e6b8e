"""Correct what a party has earned, hold an order, claw back what a statement lists."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE accrual
          ADD COLUMN accrual_id uuid NOT NULL DEFAULT gen_random_uuid(),
          ADD COLUMN key text,
          ADD COLUMN kind text NOT NULL DEFAULT 'acceptance' CHECK (kind IN ('acceptance', 'correction')),
          ADD COLUMN corrects text NOT NULL DEFAULT '',
          DROP CONSTRAINT accrual_pkey,
          DROP CONSTRAINT accrual_net_check,
          DROP CONSTRAINT accrual_tax_check
    """)
    op.execute("UPDATE accrual SET key = 'accept:' || order_id || ':' || party_kind")
    op.execute("""
        ALTER TABLE accrual
          ADD PRIMARY KEY (accrual_id),
          ALTER COLUMN accrual_id DROP DEFAULT,
          ALTER COLUMN kind DROP DEFAULT,
          ALTER COLUMN corrects DROP DEFAULT,
          ALTER COLUMN key SET NOT NULL,
          ADD UNIQUE (key),
          ADD CHECK (kind = 'correction' OR (net > 0 AND tax >= 0))
    """)
    op.execute("CREATE INDEX accrual_of_order ON accrual (order_id)")
    op.execute("""
        CREATE TABLE order_hold (
          order_id uuid NOT NULL,
          reason text NOT NULL,
          since timestamptz NOT NULL,
          PRIMARY KEY (order_id, reason)
        )
    """)
    op.execute("""
        CREATE TABLE clawback (
          clawback_id uuid PRIMARY KEY,
          key text NOT NULL UNIQUE,
          party_kind text NOT NULL CHECK (party_kind IN ('provider', 'station')),
          party_id uuid NOT NULL,
          order_id uuid NOT NULL,
          order_number text NOT NULL,
          corrects text NOT NULL,
          currency text NOT NULL,
          amount bigint NOT NULL CHECK (amount > 0),
          "left" bigint NOT NULL CHECK ("left" BETWEEN 0 AND amount),
          opened_at timestamptz NOT NULL
        )
    """)
    op.execute("""CREATE INDEX clawback_open ON clawback (party_id, opened_at) WHERE "left" > 0""")
    op.execute("ALTER TABLE settlement ADD COLUMN kept jsonb NOT NULL DEFAULT '[]'")
    op.execute("CREATE INDEX settlement_payable ON settlement (party_id, closed_at) WHERE state = 'payable'")
