"""Since when the documents of an invoice or a red letter cannot be made."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE invoice ADD failed_at timestamptz;
        UPDATE invoice SET failed_at = dated_at WHERE state = 'failed';
        ALTER TABLE invoice ADD CONSTRAINT invoice_failed_at CHECK (
          CASE WHEN state = 'failed' THEN failed_at IS NOT NULL ELSE failed_at IS NULL OR state = 'issuing' END);
        CREATE INDEX invoice_failed ON invoice (failed_at) WHERE failed_at IS NOT NULL;
        ALTER TABLE red_letter ADD failed_at timestamptz;
        UPDATE red_letter SET failed_at = requested_at WHERE state = 'failed';
        ALTER TABLE red_letter ADD CONSTRAINT red_letter_failed_at CHECK (
          CASE WHEN state = 'failed' THEN failed_at IS NOT NULL ELSE failed_at IS NULL OR state = 'issuing' END);
        CREATE INDEX red_letter_failed ON red_letter (failed_at) WHERE failed_at IS NOT NULL;
    """)
