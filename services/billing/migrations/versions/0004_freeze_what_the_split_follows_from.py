"""Freeze what the split of an order follows from; the split says its own net and tax."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("ALTER TABLE contracted_order ADD COLUMN split_terms jsonb")
    # Of orders that are there already: from the event they were made of.
    op.execute("""
        UPDATE contracted_order o SET split_terms = jsonb_build_object(
          'net', o.net, 'tax', o.tax, 'tax_rate_bps', e.data -> 'amounts' -> 'tax_rate_bps',
          'fee', jsonb_build_object('volume_before', 0, 'components', jsonb_build_array(
            jsonb_build_object('kind', 'percentage', 'bps', e.data -> 'terms' -> 'fee_bps'))),
          'station_bps', e.data -> 'terms' -> 'station_bps', 'provider_tax', e.data -> 'terms' -> 'provider_tax',
          'station_tax', CASE WHEN o.station_id IS NOT NULL THEN e.data -> 'terms' -> 'station_tax' END,
          'discount', 0, 'buy_net', NULL, 'station_base', 'fee')
        FROM (SELECT convert_from(body, 'UTF8')::jsonb -> 'data' AS data FROM inbox
              WHERE type = 'order.contracted.v1') e
        WHERE (e.data ->> 'order_id')::uuid = o.order_id
    """)
    op.execute("ALTER TABLE contracted_order ALTER COLUMN split_terms SET NOT NULL")
    op.execute("""
        UPDATE contracted_order SET split = split || jsonb_build_object('net', net, 'tax', tax, 'discount', 0)
        WHERE split IS NOT NULL
    """)
