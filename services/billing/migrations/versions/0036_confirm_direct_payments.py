"""Whoever was paid in place of the company confirms each movement of its account, once, and for ever."""

from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE direct_movement (
          movement_id uuid PRIMARY KEY,
          payment_id uuid NOT NULL,
          order_id uuid NOT NULL,
          direction text NOT NULL CHECK (direction IN ('in', 'out')),
          amount bigint NOT NULL CHECK (amount > 0),
          currency text NOT NULL,
          reference text NOT NULL CHECK (reference <> ''),
          moved_on date NOT NULL,
          confirmed_by text NOT NULL,
          confirmed_at timestamptz NOT NULL,
          UNIQUE (payment_id, direction, reference)
        );
        CREATE TRIGGER direct_movement_append_only BEFORE UPDATE OR DELETE ON direct_movement
          FOR EACH ROW EXECUTE FUNCTION refuse_change();
    """)
