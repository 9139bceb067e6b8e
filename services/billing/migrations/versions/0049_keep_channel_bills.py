"""Keep the bills of the splitting channel: what they list, and what they say stood on our balance there."""

from alembic import op

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE channel_bill (
          day date NOT NULL,
          currency text NOT NULL,
          opening bigint NOT NULL,
          closing bigint NOT NULL,
          listed_at timestamptz NOT NULL,
          PRIMARY KEY (day, currency)
        )
    """)
    op.execute("""
        CREATE TABLE channel_movement (
          kind text NOT NULL,
          number text NOT NULL,
          currency text NOT NULL,
          day date NOT NULL,
          balance bigint NOT NULL,
          held bigint NOT NULL,
          at timestamptz NOT NULL,
          PRIMARY KEY (kind, number, currency)
        );
        CREATE INDEX channel_movement_day ON channel_movement (day);
    """)
