"""Files of the bank, and by which references a line of its statement is known."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE bank_file (
          bank_file_id uuid PRIMARY KEY,
          account text NOT NULL,
          sha256 text NOT NULL,
          kind text NOT NULL CHECK (kind IN ('csv', 'camt.053', 'camt.054')),
          imported_at timestamptz NOT NULL,
          imported_by text NOT NULL,
          UNIQUE (account, sha256)
        );
        CREATE TABLE bank_file_line (
          bank_file_id uuid NOT NULL REFERENCES bank_file,
          position int NOT NULL,
          bank_line_id uuid NOT NULL REFERENCES bank_line,
          booked boolean NOT NULL,
          PRIMARY KEY (bank_file_id, position)
        );
        CREATE INDEX bank_file_line_of_line ON bank_file_line (bank_line_id);
        CREATE TABLE bank_line_reference (
          account text NOT NULL,
          reference text NOT NULL,
          bank_line_id uuid NOT NULL REFERENCES bank_line,
          PRIMARY KEY (account, reference)
        );
        CREATE INDEX bank_line_reference_of_line ON bank_line_reference (bank_line_id);
        ALTER TABLE bank_line
          ADD COLUMN counterparty_account text NOT NULL DEFAULT '',
          ADD COLUMN fingerprint text NOT NULL DEFAULT '',
          ADD COLUMN entry_reference text NOT NULL DEFAULT '',
          DROP CONSTRAINT bank_line_state_check,
          ADD CONSTRAINT bank_line_state_check CHECK (state IN ('announced', 'matched', 'suspense', 'withdrawn'));
        CREATE INDEX bank_line_alike ON bank_line (account, fingerprint) WHERE fingerprint <> '';
        CREATE INDEX bank_line_of_entry ON bank_line (account, entry_reference) WHERE entry_reference <> '';
        CREATE INDEX bank_line_announced ON bank_line (booked_at, bank_line_id) WHERE state = 'announced';
    """)
