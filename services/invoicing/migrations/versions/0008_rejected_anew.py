"""A received invoice that was rejected does not hold its number: the same paper may be recorded anew."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE received_invoice DROP CONSTRAINT received_invoice_party_id_number_key;
        CREATE UNIQUE INDEX received_invoice_number ON received_invoice (party_id, number) WHERE state <> 'rejected';
    """)
