"""Red-letter invoices; how much of an invoice is taken back, never more than it says."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE invoice DROP CONSTRAINT invoice_state_check;
        ALTER TABLE invoice ADD CONSTRAINT invoice_state_check CHECK (state IN (
          'requested', 'issuing', 'issued', 'delivered', 'failed', 'red_pending', 'partly_reversed', 'reversed'));
        ALTER TABLE invoice
          ADD red_asked_net_minor bigint NOT NULL DEFAULT 0,
          ADD red_asked_tax_minor bigint NOT NULL DEFAULT 0,
          ADD red_issued_net_minor bigint NOT NULL DEFAULT 0,
          ADD red_issued_tax_minor bigint NOT NULL DEFAULT 0,
          ADD CONSTRAINT invoice_red_net CHECK (
            0 <= red_issued_net_minor AND red_issued_net_minor <= red_asked_net_minor
            AND red_asked_net_minor <= (contents #>> '{net,amount}')::bigint),
          ADD CONSTRAINT invoice_red_tax CHECK (
            0 <= red_issued_tax_minor AND red_issued_tax_minor <= red_asked_tax_minor
            AND red_asked_tax_minor <= (contents #>> '{tax,amount}')::bigint);
        CREATE TABLE red_letter (
          red_letter_id uuid PRIMARY KEY,
          refund_id uuid NOT NULL UNIQUE,
          invoice_id uuid NOT NULL REFERENCES invoice,
          invoice_number text NOT NULL,
          order_id uuid NOT NULL,
          order_number text NOT NULL,
          customer_id uuid NOT NULL,
          cause text NOT NULL,
          currency text NOT NULL,
          net_minor bigint NOT NULL CHECK (net_minor > 0),
          tax_minor bigint NOT NULL CHECK (tax_minor >= 0),
          requested_at timestamptz NOT NULL,
          state text NOT NULL CHECK (state IN (
            'waiting', 'requested', 'unconfirmed', 'issuing', 'issued', 'refused', 'failed')),
          forms jsonb NOT NULL,
          number text UNIQUE,
          contents jsonb,
          issued_at timestamptz,
          pdf jsonb,
          xml jsonb,
          problem text NOT NULL,
          version int NOT NULL,
          CHECK ((number IS NULL) = (contents IS NULL)),
          CHECK ((number IS NOT NULL) = (state IN ('issuing', 'issued', 'failed'))),
          CHECK ((state = 'issued') = (pdf IS NOT NULL AND xml IS NOT NULL AND issued_at IS NOT NULL))
        );
        CREATE INDEX red_letter_by_time ON red_letter (requested_at, red_letter_id);
        CREATE INDEX red_letter_of_customer ON red_letter (customer_id, requested_at, red_letter_id);
        CREATE INDEX red_letter_of_invoice ON red_letter (invoice_id);
    """)
