"""
Confirm input VAT for a filing period, a paper at a time.

What is matched already is pending; no claw-back had touched an invoice when this was written, as nothing is released.
"""

from alembic import op

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE input_vat (
          input_vat_id uuid PRIMARY KEY,
          source text NOT NULL CHECK (source IN ('received_invoice', 'psp_fees')),
          number text NOT NULL,
          settlement_id uuid UNIQUE REFERENCES settlement,
          received_invoice_id uuid UNIQUE,
          invoice_number text NOT NULL,
          party_kind text,
          party_id uuid,
          state text NOT NULL CHECK (state IN ('awaited', 'pending', 'confirmed', 'transferred_out')),
          currency text NOT NULL,
          amount bigint NOT NULL CHECK (amount > 0),
          pending bigint NOT NULL CHECK (pending >= 0),
          arisen_at timestamptz NOT NULL,
          confirmed bigint NOT NULL CHECK (confirmed >= 0),
          transferred_out bigint NOT NULL CHECK (transferred_out >= 0),
          given_back bigint NOT NULL CHECK (given_back >= 0),
          period text NOT NULL,
          confirmed_at timestamptz,
          confirmed_by text NOT NULL,
          transferred_out_at timestamptz,
          transferred_out_by text NOT NULL CHECK (transferred_out_by = '' OR transferred_out_by <> confirmed_by),
          reason text NOT NULL,
          version int NOT NULL,
          CHECK (amount = pending + confirmed + transferred_out + given_back),
          CHECK ((source = 'received_invoice') = (settlement_id IS NOT NULL AND party_id IS NOT NULL)),
          CHECK (source = 'psp_fees' OR (state = 'awaited') = (received_invoice_id IS NULL))
        );
        CREATE INDEX input_vat_by_state ON input_vat (state, arisen_at, input_vat_id);
        INSERT INTO input_vat
        SELECT gen_random_uuid(), 'received_invoice', number, settlement_id, received_invoice_id, '', party_kind,
               party_id, 'pending', currency, tax, tax, closed_at, 0, 0, 0, '', NULL, '', NULL, '', '', 0
        FROM settlement WHERE received_invoice_id IS NOT NULL AND tax > 0
    """)
