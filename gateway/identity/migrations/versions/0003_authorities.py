"""Authorities take part: they pay for programmes of vouchers and subsidies and review their claims."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # Dropped and made anew in one statement: no row can come in between that neither would let in.
    op.execute("""
        ALTER TABLE organisation DROP CONSTRAINT organisation_kind_check, ADD CONSTRAINT organisation_kind_check
          CHECK (kind IN ('customer', 'provider', 'station', 'authority', 'operator'));
    """)
