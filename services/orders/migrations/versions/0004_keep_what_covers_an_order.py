"""Keep what covers an order besides payments: vouchers, credit, funds."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("ALTER TABLE orders ADD COLUMN covers jsonb NOT NULL DEFAULT '{}'")
