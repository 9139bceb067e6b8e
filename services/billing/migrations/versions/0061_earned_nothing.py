"""An order that earns its provider nothing has a line all the same: it is stated, and ends with its statement."""

from alembic import op

revision = "0061"
down_revision = "0060"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE accrual
          DROP CONSTRAINT accrual_check,
          ADD CHECK (kind = 'correction' OR (net >= 0 AND tax >= 0))
    """)
