"""Messaging tables; copies of others' facts; quotations, orders and all that hangs on an order."""

from alembic import op

from services.shared.chassis import schema

revision = "0001"
down_revision = None

COPIES = """
CREATE TABLE organisation (
  organisation_id uuid PRIMARY KEY,
  kind text NOT NULL,
  legal_name text NOT NULL,
  legal_name_en text NOT NULL,
  credit_code text NOT NULL,
  address text NOT NULL,
  mail text NOT NULL,
  phone text NOT NULL,
  tax_profile jsonb NOT NULL,
  bank_name text NOT NULL,
  bank_account text NOT NULL,
  registered_at timestamptz NOT NULL
);
-- The operating company is looked up with every price.
CREATE INDEX organisation_operator ON organisation (registered_at, organisation_id) WHERE kind = 'operator';
CREATE TABLE provider (
  provider_id uuid PRIMARY KEY,
  name_zh text NOT NULL,
  name_en text NOT NULL,
  sells boolean NOT NULL
);
CREATE TABLE offering (
  offering_id uuid PRIMARY KEY,
  number text NOT NULL,
  provider_id uuid NOT NULL,
  title_zh text NOT NULL,
  title_en text NOT NULL,
  method_zh text NOT NULL,
  method_en text NOT NULL,
  method_codes jsonb NOT NULL,
  unit text NOT NULL,
  turnaround_days int NOT NULL,
  orderable boolean NOT NULL,
  published boolean NOT NULL,
  prices jsonb NOT NULL
);
CREATE TABLE commission_plan (
  commission_plan_id uuid PRIMARY KEY,
  valid_from timestamptz NOT NULL,
  fee_bps int NOT NULL,
  station_bps int NOT NULL
);
CREATE INDEX commission_plan_in_force ON commission_plan (valid_from, commission_plan_id);
CREATE TABLE referral (
  referral_id uuid PRIMARY KEY,
  customer_id uuid NOT NULL,
  station_id uuid NOT NULL,
  protected_from timestamptz NOT NULL,
  protected_until timestamptz NOT NULL
);
CREATE INDEX referral_of_customer ON referral (customer_id, protected_from);
"""

QUOTATIONS = """
CREATE TABLE quotation_request (
  quotation_request_id uuid PRIMARY KEY,
  number text NOT NULL UNIQUE,
  state text NOT NULL CHECK (state IN ('open', 'closed', 'expired', 'withdrawn')),
  customer_id uuid NOT NULL,
  provider_ids uuid[] NOT NULL,
  offering_id uuid,
  title text NOT NULL,
  requirements text NOT NULL,
  quantity int NOT NULL,
  samples jsonb NOT NULL,
  respond_by timestamptz NOT NULL,
  opened_at timestamptz NOT NULL
);
CREATE INDEX quotation_request_newest ON quotation_request (opened_at, quotation_request_id);
CREATE INDEX quotation_request_of_customer ON quotation_request (customer_id, opened_at, quotation_request_id);
-- Who was asked, in the order of that provider's list.
CREATE TABLE quotation_request_provider (
  provider_id uuid NOT NULL,
  opened_at timestamptz NOT NULL,
  quotation_request_id uuid NOT NULL,
  PRIMARY KEY (provider_id, opened_at, quotation_request_id)
);
CREATE TABLE quotation (
  quotation_id uuid PRIMARY KEY,
  number text NOT NULL UNIQUE,
  version int NOT NULL,
  state text NOT NULL CHECK (state IN ('draft', 'pending_approval', 'sent', 'accepted', 'declined', 'countered',
                                       'expired', 'withdrawn', 'superseded')),
  quotation_request_id uuid NOT NULL,
  customer_id uuid NOT NULL,
  provider_id uuid NOT NULL,
  lines jsonb NOT NULL,
  amounts jsonb NOT NULL,
  turnaround_days int NOT NULL,
  notes text NOT NULL,
  valid_until timestamptz NOT NULL,
  sent_at timestamptz NOT NULL,
  counter_offer text NOT NULL,
  counter_net jsonb,
  reason text NOT NULL,
  order_id uuid UNIQUE,
  UNIQUE (quotation_request_id, provider_id, version)
);
-- One request leads to one order at the most.
CREATE UNIQUE INDEX quotation_accepted_once ON quotation (quotation_request_id) WHERE state = 'accepted';
CREATE INDEX quotation_newest ON quotation (sent_at, quotation_id);
CREATE INDEX quotation_of_customer ON quotation (customer_id, sent_at, quotation_id);
CREATE INDEX quotation_of_provider ON quotation (provider_id, sent_at, quotation_id);
"""

# No foreign keys here: what hangs on an order is written by the transaction that holds the order's row,
# and each key would cost that row another lock.
ORDERS = """
CREATE TABLE orders (
  order_id uuid PRIMARY KEY,
  number text NOT NULL UNIQUE,
  parent_id uuid,
  state text NOT NULL CHECK (state IN ('placed', 'contracted', 'released', 'in_progress', 'delivered', 'accepted',
                                       'closed', 'cancelled')),
  customer_id uuid NOT NULL,
  provider_id uuid NOT NULL,
  station_id uuid,
  quotation_id uuid,
  lines jsonb NOT NULL,
  amounts jsonb NOT NULL,
  payment_method text NOT NULL,
  samples_declared jsonb NOT NULL,
  turnaround_days int NOT NULL,
  notes text NOT NULL,
  terms jsonb,
  payments jsonb NOT NULL DEFAULT '{}',
  packing_sheet jsonb,
  placed_at timestamptz NOT NULL,
  contracted_at timestamptz,
  released_at timestamptz,
  delivered_at timestamptz,
  accepted_at timestamptz,
  accept_by timestamptz,
  closed_at timestamptz,
  cancel_reason text NOT NULL DEFAULT ''
);
CREATE INDEX orders_newest ON orders (placed_at, order_id);
CREATE INDEX orders_of_customer ON orders (customer_id, placed_at, order_id);
CREATE INDEX orders_of_provider ON orders (provider_id, placed_at, order_id);
CREATE INDEX orders_of_station ON orders (station_id, placed_at, order_id) WHERE station_id IS NOT NULL;
CREATE UNIQUE INDEX orders_of_quotation ON orders (quotation_id) WHERE quotation_id IS NOT NULL;

CREATE TABLE order_step (
  id bigserial PRIMARY KEY,
  order_id uuid NOT NULL,
  what text NOT NULL,
  at timestamptz NOT NULL,
  by text NOT NULL
);
CREATE INDEX order_step_of_order ON order_step (order_id, id);
CREATE TRIGGER order_step_append_only BEFORE UPDATE OR DELETE ON order_step
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE contract (
  contract_id uuid PRIMARY KEY,
  number text NOT NULL UNIQUE,
  order_id uuid NOT NULL UNIQUE,
  state text NOT NULL CHECK (state IN ('draft', 'awaiting_signatures', 'signed', 'terminated')),
  documents jsonb NOT NULL DEFAULT '[]',
  signatures jsonb NOT NULL DEFAULT '[]'
);

CREATE TABLE sample (
  sample_id uuid PRIMARY KEY,
  order_id uuid NOT NULL,
  position int NOT NULL,
  code text NOT NULL UNIQUE,
  customer_code text NOT NULL,
  description text NOT NULL,
  quantity int NOT NULL,
  hazards text NOT NULL,
  after_test text NOT NULL,
  state text NOT NULL CHECK (state IN ('expected', 'in_transit', 'received', 'in_use', 'stored', 'returned',
                                       'destroyed', 'rejected', 'lost', 'recalled')),
  quantity_received int,
  condition text,
  note text NOT NULL DEFAULT '',
  storage_place text NOT NULL DEFAULT '',
  received_at timestamptz
);
CREATE INDEX sample_of_order ON sample (order_id, position);

CREATE TABLE shipment (
  shipment_id uuid PRIMARY KEY,
  number text NOT NULL UNIQUE,
  order_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('prepared', 'dispatched', 'delivered', 'returned', 'lost')),
  carrier text NOT NULL,
  tracking_number text NOT NULL,
  dispatched_at timestamptz NOT NULL,
  sample_ids uuid[] NOT NULL
);
CREATE INDEX shipment_of_order ON shipment (order_id, dispatched_at, shipment_id);

CREATE TABLE analysis (
  analysis_id uuid PRIMARY KEY,
  order_id uuid NOT NULL,
  line int NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'running', 'finished', 'verified', 'repeated', 'withdrawn')),
  started_at timestamptz,
  finished_at timestamptz,
  machine_minutes int,
  note text NOT NULL,
  UNIQUE (order_id, line)
);

CREATE TABLE report (
  report_id uuid PRIMARY KEY,
  number text NOT NULL UNIQUE,
  order_id uuid NOT NULL,
  lines int[] NOT NULL,
  title text NOT NULL,
  sha256 text NOT NULL,
  size_bytes bigint NOT NULL,
  media_type text NOT NULL,
  check_code text NOT NULL UNIQUE,
  drafted_at timestamptz NOT NULL,
  state text NOT NULL CHECK (state IN ('draft', 'checking', 'issued', 'amended', 'withdrawn')),
  attempts int NOT NULL,
  problem text NOT NULL,
  object_key text NOT NULL,
  issued_at timestamptz
);
CREATE INDEX report_of_order ON report (order_id, drafted_at, report_id);

CREATE SEQUENCE number_or;
CREATE SEQUENCE number_qr;
CREATE SEQUENCE number_qt;
CREATE SEQUENCE number_ht;
CREATE SEQUENCE number_sh;
CREATE SEQUENCE number_rp;
"""


def upgrade() -> None:
    op.execute(schema.V1)
    op.execute(schema.only_append("event_log"))
    op.execute(COPIES)
    op.execute(QUOTATIONS)
    op.execute(ORDERS)
    op.execute(schema.only_append("order_step"))
