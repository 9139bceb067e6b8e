"""Commission plans are made of components and hold for certain orders."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE commission_plan
          ADD COLUMN valid_until timestamptz CHECK (valid_until > valid_from),
          ADD COLUMN components jsonb,
          ADD COLUMN provider_id uuid,
          ADD COLUMN offering_class text NOT NULL DEFAULT '',
          ADD COLUMN station_id uuid,
          ADD COLUMN currency text,
          ADD COLUMN published_by text NOT NULL DEFAULT '',
          DROP CONSTRAINT commission_plan_valid_from_key
    """)
    op.execute("""
        UPDATE commission_plan
        SET components = jsonb_build_array(jsonb_build_object('kind', 'percentage', 'bps', fee_bps))
    """)
    op.execute("ALTER TABLE commission_plan ALTER COLUMN components SET NOT NULL")
    op.execute("""
        CREATE UNIQUE INDEX commission_plan_of_scope
          ON commission_plan (provider_id, offering_class, station_id, currency, valid_from) NULLS NOT DISTINCT
    """)
    op.execute("CREATE INDEX commission_plan_newest ON commission_plan (valid_from, commission_plan_id)")
