"""Route Stripe events: what each is about, of any kind; those nothing came of are swept."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE stripe_event
          ADD COLUMN object_kind text,
          ADD COLUMN object_id text,
          ADD COLUMN account text NOT NULL DEFAULT '',
          ADD COLUMN sweeps int NOT NULL DEFAULT 0;
        UPDATE stripe_event SET object_kind = 'payment_intent', object_id = intent_id WHERE intent_id IS NOT NULL;
        UPDATE stripe_event SET outcome = 'not_ours', handled_at = received_at WHERE intent_id IS NULL;
        DROP INDEX stripe_event_unhandled;
        CREATE INDEX stripe_event_unhandled ON stripe_event (received_at) WHERE handled_at IS NULL;
        INSERT INTO timer (id, kind, subject, due_at, headers)
        VALUES ('5b0f3a0e-6a57-5d0c-8f43-9a1c6c0d1e02', 'sweep_stripe_events', 'stripe', 'epoch', '{}');
    """)
