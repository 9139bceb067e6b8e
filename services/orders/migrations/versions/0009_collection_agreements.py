"""Collection agreements: principal or agent, provider by provider."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE collection_agreement (
          collection_agreement_id uuid PRIMARY KEY,
          provider_id uuid NOT NULL,
          collection_model text NOT NULL CHECK (collection_model IN
            ('principal_own_account', 'agent_psp_split', 'agent_bank_custody', 'agent_direct')),
          collecting_account text NOT NULL,
          reason jsonb NOT NULL,
          valid_from timestamptz NOT NULL,
          state text NOT NULL CHECK (state IN ('proposed', 'approved', 'withdrawn')),
          proposed_at timestamptz NOT NULL,
          proposed_by text NOT NULL,
          approved_at timestamptz,
          approved_by text NOT NULL,
          -- Clearing for others on one's own account is refused here too, whoever writes.
          CHECK ((collection_model = 'principal_own_account')
                 = (collecting_account IN ('company_account', 'stripe_separate_transfers'))),
          CHECK ((state = 'approved') = (approved_at IS NOT NULL)),
          CHECK (state <> 'approved' OR approved_by NOT IN ('', proposed_by))
        );
        CREATE UNIQUE INDEX collection_agreement_from ON collection_agreement (provider_id, valid_from)
          WHERE state <> 'withdrawn';
        CREATE INDEX collection_agreement_newest ON collection_agreement (valid_from, collection_agreement_id);
        CREATE INDEX collection_agreement_of_provider
          ON collection_agreement (provider_id, valid_from, collection_agreement_id);
    """)
