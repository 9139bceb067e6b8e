"""Orders are listed with their margins by when their contract was signed."""

from alembic import op

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    op.execute("""
        CREATE INDEX contracted_order_newest ON contracted_order (contracted_at, order_id);
        CREATE INDEX contracted_order_of_provider ON contracted_order (provider_id, contracted_at, order_id);
        CREATE INDEX contracted_order_of_station ON contracted_order (station_id, contracted_at, order_id)
          WHERE station_id IS NOT NULL;
        -- Lines of the bank that may have paid several orders at once.
        CREATE INDEX bank_line_of_several ON bank_line (booked_key) WHERE jsonb_array_length(parts) > 1;
    """)
