"""The company may set the customer's price; what the provider quoted is kept beside it."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("ALTER TABLE quotation_request ADD COLUMN priced_by_company boolean NOT NULL DEFAULT false")
    op.execute("ALTER TABLE quotation ADD COLUMN provider_side jsonb")
    op.execute("ALTER TABLE orders ADD COLUMN provider_side jsonb")
