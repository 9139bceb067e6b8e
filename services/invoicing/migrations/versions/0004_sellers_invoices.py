"""The invoices of providers that sold: one for each order, each number once."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE seller_invoice (
          order_id uuid PRIMARY KEY,
          provider_id uuid NOT NULL,
          number text NOT NULL,
          state text NOT NULL CHECK (state IN ('expected', 'due', 'recorded')),
          contents jsonb NOT NULL,
          CHECK ((state = 'recorded') = (number <> ''))
        );
        CREATE UNIQUE INDEX seller_invoice_number ON seller_invoice (provider_id, number) WHERE number <> '';
    """)
