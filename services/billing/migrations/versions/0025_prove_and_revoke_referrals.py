"""Referrals are proved by a file, and may be revoked."""

from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE referral
          ADD COLUMN touched_on date,
          ADD COLUMN file jsonb,
          DROP CONSTRAINT referral_state_check,
          ADD CONSTRAINT referral_state_check CHECK (state IN ('claimed', 'confirmed', 'refused', 'revoked'))
    """)
    op.execute("UPDATE referral SET touched_on = (claimed_at AT TIME ZONE 'Asia/Shanghai')::date")
    op.execute("ALTER TABLE referral ALTER COLUMN touched_on SET NOT NULL")
    op.execute("CREATE INDEX referral_of_station ON referral (station_id, claimed_at, referral_id)")
    op.execute("CREATE INDEX contracted_order_of_customer ON contracted_order (customer_id, contracted_at)")
