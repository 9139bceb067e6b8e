"""How each own account's bank writes CSV."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE bank_csv_map (
          bank_csv_map_id uuid PRIMARY KEY,
          account text NOT NULL,
          valid_from timestamptz NOT NULL,
          name text NOT NULL,
          columns jsonb NOT NULL,
          declared_at timestamptz NOT NULL,
          declared_by text NOT NULL,
          UNIQUE (account, valid_from)
        )
    """)
