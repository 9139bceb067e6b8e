"""What a party owes when a statement is closed stands on it for good; states that no statement ever had are gone."""

from alembic import op

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE settlement
          ADD COLUMN carried_over bigint NOT NULL DEFAULT 0 CHECK (carried_over BETWEEN 0 AND net + tax),
          DROP CONSTRAINT settlement_state_check,
          ADD CHECK (state IN ('closed', 'awaiting_invoice', 'payable', 'paid'))
    """)
