"""Commission plans are made of components and hold for certain orders, by what their offerings' instruments are."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE commission_plan
          ADD COLUMN valid_until timestamptz,
          ADD COLUMN components jsonb NOT NULL DEFAULT '[]',
          ADD COLUMN provider_id uuid,
          ADD COLUMN offering_class text NOT NULL DEFAULT '',
          ADD COLUMN station_id uuid,
          ADD COLUMN currency text
    """)
    # Of offerings that are there already catalog tells it with their next change.
    op.execute("ALTER TABLE offering ADD COLUMN instrument_class text NOT NULL DEFAULT ''")
    op.execute("CREATE INDEX orders_volume ON orders (provider_id, contracted_at) WHERE contracted_at IS NOT NULL")
