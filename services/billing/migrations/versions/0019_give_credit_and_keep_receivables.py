"""Give credit, keep receivables, and let an order have several payments."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE credit_line (
          credit_line_id uuid PRIMARY KEY,
          customer_id uuid NOT NULL,
          currency text NOT NULL,
          state text NOT NULL CHECK (state IN ('proposed', 'active', 'suspended')),
          created_at timestamptz NOT NULL,
          terms jsonb,
          proposal jsonb,
          approved_by text NOT NULL,
          approved_at timestamptz,
          suspended_for text NOT NULL,
          version int NOT NULL,
          UNIQUE (customer_id, currency),
          CHECK ((state = 'proposed') = (terms IS NULL))
        );
        CREATE INDEX credit_line_newest ON credit_line (created_at, credit_line_id);

        CREATE TABLE credit (
          credit_id uuid PRIMARY KEY,
          order_id uuid NOT NULL UNIQUE,
          order_number text NOT NULL,
          customer_id uuid NOT NULL,
          credit_line_id uuid REFERENCES credit_line,
          currency text NOT NULL,
          amount bigint NOT NULL CHECK (amount > 0),
          state text NOT NULL CHECK (state IN ('granted', 'refused', 'due', 'released')),
          reason text NOT NULL,
          decided_at timestamptz NOT NULL,
          CHECK (state = 'refused' OR credit_line_id IS NOT NULL)
        );
        CREATE INDEX credit_granted ON credit (customer_id, currency) INCLUDE (amount) WHERE state = 'granted';

        CREATE TABLE receivable (
          receivable_id uuid PRIMARY KEY,
          order_id uuid NOT NULL,
          order_number text NOT NULL,
          customer_id uuid NOT NULL,
          cause text NOT NULL CHECK (cause IN ('acceptance', 'voucher_claim')),
          state text NOT NULL CHECK (state IN ('uninvoiced', 'open', 'paid', 'written_off')),
          currency text NOT NULL,
          amount bigint NOT NULL CHECK (amount > 0),
          net_days int NOT NULL CHECK (net_days >= 0),
          opened_at timestamptz NOT NULL,
          paid bigint NOT NULL CHECK (paid >= 0),
          written_off bigint NOT NULL CHECK (written_off >= 0),
          invoice_number text NOT NULL,
          due_on date,
          reminders int NOT NULL,
          write_off_by text NOT NULL,
          write_off_reason text NOT NULL,
          version int NOT NULL,
          UNIQUE (order_id, cause),
          CHECK (paid + written_off <= amount),
          CHECK ((state IN ('paid', 'written_off')) = (paid + written_off = amount)),
          CHECK (state NOT IN ('open') OR due_on IS NOT NULL)
        );
        CREATE INDEX receivable_unpaid ON receivable (customer_id, currency)
          INCLUDE (due_on, amount, paid, written_off) WHERE state IN ('uninvoiced', 'open');
        CREATE INDEX receivable_newest ON receivable (opened_at, receivable_id);
        CREATE INDEX receivable_of_customer ON receivable (customer_id, opened_at, receivable_id);

        ALTER TABLE payment ADD COLUMN part int NOT NULL DEFAULT 1,
          ADD COLUMN receivable_id uuid REFERENCES receivable;
        -- All payments of an order have its reference: the money goes to the one that waits.
        ALTER TABLE payment DROP CONSTRAINT payment_reference_key;
        CREATE INDEX payment_of_reference ON payment (reference) WHERE reference IS NOT NULL;
        DROP INDEX payment_of_order;
        CREATE UNIQUE INDEX payment_of_order ON payment (order_id, part);
    """)
