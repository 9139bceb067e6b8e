"""Project funds may pay an order of the provider's own people: the order names the project."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("ALTER TABLE orders ADD COLUMN project_funds jsonb")
