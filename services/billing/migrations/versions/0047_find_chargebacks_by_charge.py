"""A refund to a card asks whether its charge is disputed, or lost."""

from alembic import op

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    op.execute("CREATE INDEX chargeback_of_charge ON chargeback (charge_id)")
