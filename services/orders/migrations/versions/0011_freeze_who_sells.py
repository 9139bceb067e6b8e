"""Who sells, and how the order is collected, stands on quotation and order; before, the company always sold."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("ALTER TABLE quotation ADD COLUMN collection jsonb NOT NULL DEFAULT '{}'")
    op.execute("ALTER TABLE orders ADD COLUMN collection jsonb NOT NULL DEFAULT '{}'")
