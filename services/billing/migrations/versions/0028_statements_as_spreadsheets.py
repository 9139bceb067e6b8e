"""A statement is kept as a spreadsheet too."""

from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE settlement
          ADD COLUMN sheet_key text,
          ADD COLUMN sheet_sha256 text NOT NULL DEFAULT '',
          ADD COLUMN sheet_size bigint NOT NULL DEFAULT 0
    """)
