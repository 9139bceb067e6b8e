"""A transfer names an invoice: its orders are found by the invoice's number."""

from alembic import op

revision = "0052"
down_revision = "0051"


def upgrade() -> None:
    op.execute("CREATE INDEX invoice_copy_number ON invoice_copy (number)")
