"""Note the ledger's numbers one call before a transaction's id bounds who may still bring one."""

from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.execute("ALTER TABLE ledger_horizon ADD COLUMN seq_noted bigint NOT NULL DEFAULT 0")
    # What was noted by the old rule may be too much: it is noted anew.
    op.execute("UPDATE ledger_horizon SET seq_seen = 0, xid_seen = '0'")
    # By object since 0005; nothing writes or reads it any more.
    op.execute("ALTER TABLE stripe_event DROP COLUMN intent_id")
