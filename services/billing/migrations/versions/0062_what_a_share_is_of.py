"""
A line says what its party's share is taken of: a station's with resale perhaps of the margin, and not of the fee.

Of a share of the margin that was stated before, the margin is told by that share, to a fen or two.
"""

from alembic import op

revision = "0062"
down_revision = "0061"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE accrual
          ADD COLUMN base bigint,
          ADD COLUMN base_of text CHECK (base_of IN ('order_net', 'fee', 'margin'))
    """)
    op.execute("""
        UPDATE accrual a SET
          base_of = CASE WHEN a.party_kind = 'provider' THEN 'order_net'
                         ELSE coalesce(o.split_terms ->> 'station_base', 'fee') END,
          base = CASE WHEN a.party_kind = 'provider' THEN a.order_net
                      WHEN coalesce(o.split_terms ->> 'station_base', 'fee') = 'fee' THEN a.fee
                      ELSE round(a.net * 10000.0 / nullif((o.split_terms ->> 'station_bps')::int, 0)) END
        FROM accrual b LEFT JOIN contracted_order o USING (order_id) WHERE b.accrual_id = a.accrual_id
    """)
    op.execute("UPDATE accrual SET base = net WHERE base IS NULL")
    op.execute("ALTER TABLE accrual ALTER COLUMN base SET NOT NULL, ALTER COLUMN base_of SET NOT NULL")
