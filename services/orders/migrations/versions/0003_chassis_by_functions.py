"""What the chassis asks most often as functions, whose plans are kept; one index less."""

from alembic import op

from services.shared.chassis import schema

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute(schema.V2)
