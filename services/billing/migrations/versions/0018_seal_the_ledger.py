"""The ledger's hash chain: blocks of transactions, each over the one before; up to where numbers are final."""

from alembic import op

from services.shared.chassis import schema

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE ledger_block (
          number bigint PRIMARY KEY CHECK (number > 0),
          last_seq bigint NOT NULL UNIQUE, -- it holds every transaction after the last of the block before, up to here
          seqs bigint[] NOT NULL CHECK (cardinality(seqs) > 0),
          digests bytea NOT NULL CHECK (length(digests) = 32 * cardinality(seqs)), -- of each transaction, in this order
          hash bytea NOT NULL,
          sealed_at timestamptz NOT NULL
        );
        -- Once every transaction that was running at xid_seen has ended, no number up to seq_seen can still come.
        CREATE TABLE ledger_horizon (
          only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
          seq_seen bigint NOT NULL,
          xid_seen xid8 NOT NULL
        );
        INSERT INTO ledger_horizon (seq_seen, xid_seen) VALUES (0, '0');
        ALTER TABLE ledger_period ADD COLUMN block bigint REFERENCES ledger_block;

        INSERT INTO timer (id, kind, subject, due_at, headers)
        VALUES ('3f9c6a52-8a0e-5f0b-9d0f-6b1b7b0c5a02', 'seal_ledger', 'ledger', 'epoch', '{}');
    """)
    op.execute(schema.only_append("ledger_block"))
    op.execute("""
        CREATE TRIGGER ledger_block_append_only BEFORE UPDATE OR DELETE ON ledger_block
          FOR EACH ROW EXECUTE FUNCTION refuse_change();
        CREATE TRIGGER ledger_block_no_truncate BEFORE TRUNCATE ON ledger_block
          FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    """)
