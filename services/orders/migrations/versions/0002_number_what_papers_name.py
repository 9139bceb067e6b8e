"""Number what papers name: framework agreements, and shipments from the release on."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE provider ADD COLUMN framework_agreement_number text NOT NULL DEFAULT '';
        ALTER TABLE orders ADD COLUMN shipment_number text NOT NULL DEFAULT '';
    """)
