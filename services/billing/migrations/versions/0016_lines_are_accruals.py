"""The lines of a statement are the accruals that it lists."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.execute("ALTER TABLE settlement ADD COLUMN order_count int")
    op.execute("""
        UPDATE settlement s SET order_count =
          (SELECT count(DISTINCT a.order_id) FROM accrual a WHERE a.settlement_id = s.settlement_id)
    """)
    op.execute("ALTER TABLE settlement ALTER COLUMN order_count SET NOT NULL, DROP COLUMN lines")
    op.execute("DROP INDEX accrual_of_settlement")
    op.execute("""
        CREATE INDEX accrual_of_settlement ON accrual (settlement_id, accepted_at, accrual_id)
        WHERE settlement_id IS NOT NULL
    """)
