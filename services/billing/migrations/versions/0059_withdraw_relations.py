"""A declared relation can be withdrawn, and declared again: at most one of each stands."""

from alembic import op

revision = "0059"
down_revision = "0058"

CHANGE = """
    ALTER TABLE declared_relation
      DROP CONSTRAINT declared_relation_pkey,
      ADD COLUMN relation_id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
      ADD COLUMN withdrawn_at timestamptz,
      ADD COLUMN withdrawn_by text,
      ADD COLUMN withdrawal_reason text NOT NULL DEFAULT '',
      ADD CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL)
                 AND (withdrawn_at IS NULL) = (withdrawal_reason = ''));
    ALTER TABLE declared_relation ALTER COLUMN relation_id DROP DEFAULT;
    CREATE UNIQUE INDEX declared_relation_stands ON declared_relation (owner_id, owned_id, kind)
      WHERE withdrawn_at IS NULL;
    CREATE INDEX declared_relation_newest ON declared_relation (declared_at, relation_id);
"""


def upgrade() -> None:
    op.execute(CHANGE)
