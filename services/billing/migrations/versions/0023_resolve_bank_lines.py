"""What bank lines in suspense turn out to be, and who may pay for whom."""

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE bank_line
          ADD COLUMN parts jsonb NOT NULL DEFAULT '[]',
          ADD COLUMN booked_key text NOT NULL DEFAULT '',
          ADD COLUMN turn int NOT NULL DEFAULT 0,
          ADD COLUMN proposal jsonb;
        CREATE INDEX bank_line_parts ON bank_line USING gin (parts jsonb_path_ops);
        CREATE INDEX bank_line_suspense_largest ON bank_line (amount, bank_line_id) WHERE state = 'suspense';
        CREATE INDEX payment_missing ON payment (currency, (amount - received))
          WHERE method = 'bank_transfer' AND state = 'pending';
        CREATE INDEX organisation_name ON organisation (legal_name);
        CREATE INDEX organisation_account ON organisation (account_number) WHERE account_number <> '';
        CREATE TABLE payer_agreement (
          payer_agreement_id uuid PRIMARY KEY,
          customer_id uuid NOT NULL,
          payer_name text NOT NULL,
          payer_account text NOT NULL,
          evidence text NOT NULL,
          valid_from date NOT NULL,
          valid_until date,
          recorded_by text NOT NULL,
          recorded_at timestamptz NOT NULL,
          CHECK (valid_until IS NULL OR valid_until >= valid_from)
        );
        CREATE INDEX payer_agreement_of_customer ON payer_agreement (customer_id);
        CREATE INDEX payer_agreement_newest ON payer_agreement (recorded_at, payer_agreement_id);
    """)
