"""Number framework agreements."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("""
        -- Apart from the provider: the version that runs meanwhile reads that row whole.
        CREATE TABLE framework_agreement (
          provider_id uuid PRIMARY KEY REFERENCES provider,
          number text NOT NULL
        );
        CREATE SEQUENCE number_fa;
        INSERT INTO framework_agreement (provider_id, number)
          SELECT provider_id, next_number('FA', applied_at) FROM provider
          WHERE state IN ('approved', 'suspended', 'terminated')
          ORDER BY applied_at, provider_id;
    """)
