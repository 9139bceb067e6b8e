"""Messaging tables; copies; notifications; the finance feed; webhooks."""

from alembic import op

from services.shared.chassis import schema

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute(schema.V1)
    op.execute(schema.only_append("event_log"))
    op.execute("""
        CREATE TABLE organisation (
          organisation_id uuid PRIMARY KEY,
          kind text NOT NULL,
          legal_name text NOT NULL,
          legal_name_en text NOT NULL,
          mail text NOT NULL,
          account_name text NOT NULL,
          account_number text NOT NULL,
          bank_name text NOT NULL
        );
        CREATE INDEX organisation_operator ON organisation (organisation_id) WHERE kind = 'operator';
        CREATE TABLE member (
          member_id uuid NOT NULL,
          organisation_id uuid NOT NULL,
          name text NOT NULL,
          mail text NOT NULL,
          language text NOT NULL CHECK (language IN ('zh', 'en')),
          roles text[] NOT NULL,
          PRIMARY KEY (organisation_id, member_id)
        );
        CREATE TABLE order_copy (
          order_id uuid PRIMARY KEY,
          number text NOT NULL,
          customer_id uuid NOT NULL,
          provider_id uuid NOT NULL
        );
        CREATE TABLE settlement (
          settlement_id uuid PRIMARY KEY,
          number text NOT NULL,
          party_kind text NOT NULL,
          party_id uuid NOT NULL
        );
        CREATE TABLE notification (
          notification_id uuid PRIMARY KEY,
          organisation_id uuid NOT NULL,
          kind text NOT NULL,
          subject_zh text NOT NULL,
          body_zh text NOT NULL,
          subject_en text NOT NULL,
          body_en text NOT NULL,
          link text NOT NULL,
          created_at timestamptz NOT NULL
        );
        CREATE INDEX notification_of_organisation ON notification (organisation_id, created_at, notification_id);

        -- One row is the sequence of one view; it is locked while an entry is added, hence no gaps.
        CREATE TABLE feed_view (
          view text PRIMARY KEY,
          last_sequence bigint NOT NULL CHECK (last_sequence > 0)
        );
        CREATE TABLE feed_entry (
          view text NOT NULL,
          sequence bigint NOT NULL,
          event_id uuid NOT NULL,
          type text NOT NULL,
          body bytea NOT NULL,
          created_at timestamptz NOT NULL,
          PRIMARY KEY (view, sequence),
          UNIQUE (view, event_id)
        );

        CREATE TABLE webhook_endpoint (
          webhook_endpoint_id uuid PRIMARY KEY,
          organisation_id uuid NOT NULL,
          view text NOT NULL,
          url text NOT NULL,
          types text[] NOT NULL,
          secret text NOT NULL,
          registered_at timestamptz NOT NULL,
          state text NOT NULL CHECK (state IN ('enabled', 'disabled')),
          problem text NOT NULL,
          in_flight uuid,
          failures int NOT NULL,
          paused_until timestamptz,
          succeeded_at timestamptz
        );
        CREATE INDEX webhook_endpoint_of_view ON webhook_endpoint (view) WHERE state = 'enabled';
        CREATE INDEX webhook_endpoint_of_organisation ON webhook_endpoint (organisation_id);
        -- No foreign key to the endpoint: its check would lock the endpoint's row while the feed grows.
        CREATE TABLE webhook_delivery (
          delivery_id uuid PRIMARY KEY,
          webhook_endpoint_id uuid NOT NULL,
          view text NOT NULL,
          sequence bigint NOT NULL,
          event_id uuid NOT NULL,
          created_at timestamptz NOT NULL,
          state text NOT NULL CHECK (state IN ('pending', 'succeeded', 'failed')),
          attempts int NOT NULL,
          last_status int,
          last_problem text NOT NULL,
          next_attempt_at timestamptz,
          UNIQUE (webhook_endpoint_id, event_id)
        );
        CREATE INDEX webhook_delivery_pending ON webhook_delivery (webhook_endpoint_id, sequence)
          WHERE state = 'pending';
        CREATE INDEX webhook_delivery_by_time ON webhook_delivery (webhook_endpoint_id, created_at, delivery_id);
    """)
    op.execute(schema.only_append("feed_entry"))
    op.execute(schema.only_append("notification"))
