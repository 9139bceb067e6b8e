"""List payments by state: those in doubt wait for a person."""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.execute("CREATE INDEX payment_in_state ON payment (state, opened_at, payment_id)")
