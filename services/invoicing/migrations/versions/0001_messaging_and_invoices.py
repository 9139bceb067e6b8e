"""Messaging tables; copies of organisations, orders, settlements; tax points, invoices, received invoices."""

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
          registration text NOT NULL,
          address text NOT NULL,
          mail text NOT NULL,
          phone text NOT NULL,
          account_name text NOT NULL,
          account_number text NOT NULL,
          bank_name text NOT NULL
        );
        CREATE INDEX organisation_operator ON organisation (organisation_id) WHERE kind = 'operator';
        CREATE TABLE order_copy (
          order_id uuid PRIMARY KEY,
          contents jsonb NOT NULL
        );
        CREATE TABLE settlement (
          settlement_id uuid PRIMARY KEY,
          number text NOT NULL UNIQUE,
          party_kind text NOT NULL CHECK (party_kind IN ('provider', 'station')),
          party_id uuid NOT NULL,
          currency text NOT NULL,
          net_minor bigint NOT NULL,
          tax_minor bigint NOT NULL,
          special_invoice boolean NOT NULL,
          matched_by uuid
        );
        CREATE TABLE tax_point (
          tax_point_id uuid PRIMARY KEY,
          order_id uuid NOT NULL,
          cause text NOT NULL,
          currency text NOT NULL,
          net_minor bigint NOT NULL,
          tax_minor bigint NOT NULL,
          tax_rate_bps int NOT NULL,
          reached_at timestamptz NOT NULL,
          UNIQUE (order_id, cause)
        );
        -- A row is locked while a number is being used, so that a number that was not used is taken by the next.
        CREATE TABLE number_series (
          series text NOT NULL,
          year int NOT NULL,
          last int NOT NULL CHECK (last > 0),
          PRIMARY KEY (series, year)
        );
        CREATE TABLE invoice (
          invoice_id uuid PRIMARY KEY,
          number text NOT NULL UNIQUE,
          state text NOT NULL CHECK (state IN ('requested', 'issuing', 'issued', 'delivered', 'failed')),
          order_id uuid NOT NULL UNIQUE,
          customer_id uuid NOT NULL,
          contents jsonb NOT NULL,
          dated_at timestamptz NOT NULL,
          issued_at timestamptz,
          pdf jsonb,
          xml jsonb,
          problem text NOT NULL,
          version int NOT NULL
        );
        CREATE INDEX invoice_by_date ON invoice (dated_at, invoice_id);
        CREATE INDEX invoice_of_customer ON invoice (customer_id, dated_at, invoice_id);
        CREATE TABLE received_invoice (
          received_invoice_id uuid PRIMARY KEY,
          number text NOT NULL,
          state text NOT NULL CHECK (state IN ('recorded', 'matched', 'rejected')),
          kind text NOT NULL CHECK (kind IN ('special', 'ordinary')),
          settlement_id uuid NOT NULL,
          settlement_number text NOT NULL,
          party_id uuid NOT NULL,
          currency text NOT NULL,
          net_minor bigint NOT NULL CHECK (net_minor > 0),
          tax_minor bigint NOT NULL CHECK (tax_minor >= 0),
          issued_on date NOT NULL,
          recorded_at timestamptz NOT NULL,
          reason text NOT NULL,
          UNIQUE (party_id, number)
        );
        CREATE UNIQUE INDEX received_invoice_matched ON received_invoice (settlement_id) WHERE state = 'matched';
        CREATE INDEX received_invoice_by_time ON received_invoice (recorded_at, received_invoice_id);
        CREATE INDEX received_invoice_of_party ON received_invoice (party_id, recorded_at, received_invoice_id);
    """)
    op.execute(schema.only_append("tax_point"))
    op.execute(schema.only_append("received_invoice"))
