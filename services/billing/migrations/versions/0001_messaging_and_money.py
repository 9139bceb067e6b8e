"""Messaging tables; the ledger; payments, bank lines, commission, referrals, settlements, payouts."""

from alembic import op

from services.shared.chassis import schema

revision = "0001"
down_revision = None

LEDGER = """
CREATE TABLE ledger_tx (
  transaction_id uuid PRIMARY KEY,
  idem_key text NOT NULL UNIQUE,
  request_hash bytea NOT NULL,
  kind text NOT NULL,
  order_id uuid,
  order_number text NOT NULL,
  cause text NOT NULL,
  effective_at timestamptz NOT NULL,
  posted_at timestamptz NOT NULL,
  reverses_id uuid UNIQUE REFERENCES ledger_tx
);
CREATE INDEX ledger_tx_newest ON ledger_tx (posted_at, transaction_id);
CREATE INDEX ledger_tx_of_order ON ledger_tx (order_id, posted_at, transaction_id) WHERE order_id IS NOT NULL;

CREATE TABLE account (
  account text NOT NULL,
  currency text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('A', 'L', 'R', 'E', 'M')),
  min_balance bigint,
  PRIMARY KEY (account, currency)
);
-- Of the account no foreign key: checking one locks the account's row, and a few accounts are in every posting.
-- post_ledger_tx makes the row first; invariant I3 compares.
CREATE TABLE ledger_entry (
  transaction_id uuid NOT NULL REFERENCES ledger_tx,
  line int NOT NULL,
  account text NOT NULL,
  side text NOT NULL CHECK (side IN ('D', 'C')),
  amount bigint NOT NULL CHECK (amount > 0),
  currency text NOT NULL,
  PRIMARY KEY (transaction_id, line)
);
CREATE INDEX ledger_entry_of_account ON ledger_entry (account text_pattern_ops);
-- An account without a least balance has several rows, one for each of some groups of connections: a few accounts
-- are in every posting, and as one row each they would make all postings wait for each other, or block each other.
-- What stands on an account is the sum of its rows. With a least balance there is one row, number 0.
CREATE TABLE account_balance (
  account text NOT NULL,
  currency text NOT NULL,
  part int NOT NULL,
  posted_d bigint NOT NULL DEFAULT 0,
  posted_c bigint NOT NULL DEFAULT 0,
  version bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (account, currency, part),
  FOREIGN KEY (account, currency) REFERENCES account
) WITH (fillfactor = 50); -- some rows change with every posting: room for them on their own page

-- One transaction with its entries and balances in one round trip. False: the very same stands there already.
-- YQ001 an account would fall below its least balance; YQ002 the key stands there with other entries.
CREATE FUNCTION post_ledger_tx(
  p_id uuid, p_key text, p_hash bytea, p_kind text, p_order uuid, p_order_number text, p_cause text,
  p_effective_at timestamptz, p_posted_at timestamptz, p_reverses uuid,
  p_accounts text[], p_sides text[], p_amounts bigint[], p_currencies text[], p_least bigint[]
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  known bytea;
  overdrawn text;
BEGIN
  INSERT INTO ledger_tx (transaction_id, idem_key, request_hash, kind, order_id, order_number, cause, effective_at,
                         posted_at, reverses_id)
  VALUES (p_id, p_key, p_hash, p_kind, p_order, p_order_number, p_cause, p_effective_at, p_posted_at, p_reverses)
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    SELECT request_hash INTO known FROM ledger_tx WHERE idem_key = p_key;
    IF known IS DISTINCT FROM p_hash THEN
      RAISE EXCEPTION '% stands in the ledger with other entries', p_key USING ERRCODE = 'YQ002';
    END IF;
    RETURN false;
  END IF;

  INSERT INTO ledger_entry (transaction_id, line, account, side, amount, currency)
  SELECT p_id, e.line, e.account, e.side, e.amount, e.currency
  FROM unnest(p_accounts, p_sides, p_amounts, p_currencies) WITH ORDINALITY
       AS e (account, side, amount, currency, line);

  INSERT INTO account (account, currency, kind, min_balance)
  SELECT DISTINCT e.account, e.currency, left(e.account, 1), e.least
  FROM unnest(p_accounts, p_currencies, p_least) AS e (account, currency, least)
  WHERE NOT EXISTS (SELECT FROM account a WHERE a.account = e.account AND a.currency = e.currency)
  ORDER BY 1, 2
  ON CONFLICT DO NOTHING;

  -- In the order of accounts, the same for everybody, so that two postings wait instead of blocking each other.
  WITH moved AS (
    INSERT INTO account_balance AS b (account, currency, part, posted_d, posted_c)
    SELECT e.account, e.currency, CASE WHEN min(e.least) IS NULL THEN pg_backend_pid() % 32 ELSE 0 END,
           coalesce(sum(e.amount) FILTER (WHERE e.side = 'D'), 0),
           coalesce(sum(e.amount) FILTER (WHERE e.side = 'C'), 0)
    FROM unnest(p_accounts, p_sides, p_amounts, p_currencies, p_least) AS e (account, side, amount, currency, least)
    GROUP BY e.account, e.currency
    ORDER BY e.account, e.currency
    ON CONFLICT (account, currency, part) DO UPDATE
      SET posted_d = b.posted_d + EXCLUDED.posted_d, posted_c = b.posted_c + EXCLUDED.posted_c,
          version = b.version + 1
    RETURNING account, currency, posted_d, posted_c
  )
  SELECT m.account INTO overdrawn
  FROM moved m
  JOIN (SELECT DISTINCT e.account, e.currency, e.least
        FROM unnest(p_accounts, p_currencies, p_least) AS e (account, currency, least)
        WHERE e.least IS NOT NULL) limits USING (account, currency)
  WHERE m.posted_c - m.posted_d < limits.least
  LIMIT 1;
  IF overdrawn IS NOT NULL THEN
    RAISE EXCEPTION '% would be overdrawn', overdrawn USING ERRCODE = 'YQ001';
  END IF;
  RETURN true;
END $$;

-- Whatever writes to the ledger: debits equal credits in each currency when the transaction commits.
CREATE FUNCTION check_ledger_tx_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  sides int;
BEGIN
  SELECT count(*) INTO sides FROM (
    SELECT sum(CASE side WHEN 'D' THEN amount ELSE -amount END) AS difference
    FROM ledger_entry WHERE transaction_id = NEW.transaction_id GROUP BY currency
  ) AS by_currency
  HAVING count(*) > 0 AND bool_and(difference = 0);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'ledger transaction % does not balance', NEW.transaction_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_tx_balanced AFTER INSERT ON ledger_tx
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_ledger_tx_balanced();
CREATE CONSTRAINT TRIGGER ledger_entry_balanced AFTER INSERT ON ledger_entry
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_ledger_tx_balanced();
CREATE TRIGGER ledger_tx_append_only BEFORE UPDATE OR DELETE ON ledger_tx
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_tx_no_truncate BEFORE TRUNCATE ON ledger_tx
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE ON ledger_entry
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_entry_no_truncate BEFORE TRUNCATE ON ledger_entry
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

BUSINESS = """
CREATE TABLE organisation (
  organisation_id uuid PRIMARY KEY,
  kind text NOT NULL,
  legal_name text NOT NULL,
  unified_social_credit_code text NOT NULL,
  address text NOT NULL,
  bank_name text NOT NULL,
  account_name text NOT NULL,
  account_number text NOT NULL
);

CREATE TABLE contracted_order (
  order_id uuid PRIMARY KEY,
  number text NOT NULL,
  customer_id uuid NOT NULL,
  provider_id uuid NOT NULL,
  station_id uuid,
  title text NOT NULL,
  currency text NOT NULL,
  net bigint NOT NULL CHECK (net >= 0),
  tax bigint NOT NULL CHECK (tax >= 0),
  gross bigint NOT NULL CHECK (gross = net + tax),
  contracted_at timestamptz NOT NULL,
  accepted_at timestamptz,
  split jsonb
);
CREATE INDEX contracted_order_accepted ON contracted_order (accepted_at) WHERE accepted_at IS NOT NULL;

CREATE TABLE commission_plan (
  commission_plan_id uuid PRIMARY KEY,
  valid_from timestamptz NOT NULL UNIQUE,
  fee_bps int NOT NULL CHECK (fee_bps BETWEEN 0 AND 10000),
  station_bps int NOT NULL CHECK (station_bps BETWEEN 0 AND 10000),
  published_at timestamptz NOT NULL
);

CREATE TABLE referral (
  referral_id uuid PRIMARY KEY,
  station_id uuid NOT NULL,
  customer_id uuid NOT NULL CHECK (customer_id <> station_id),
  state text NOT NULL CHECK (state IN ('claimed', 'confirmed', 'refused')),
  evidence text NOT NULL,
  claimed_at timestamptz NOT NULL,
  protected_from timestamptz,
  protected_until timestamptz,
  reason text NOT NULL,
  version int NOT NULL,
  CHECK (state <> 'confirmed' OR protected_from < protected_until)
);
CREATE UNIQUE INDEX referral_open ON referral (station_id, customer_id) WHERE state = 'claimed';
CREATE INDEX referral_of_customer ON referral (customer_id, claimed_at);
CREATE INDEX referral_newest ON referral (claimed_at, referral_id);

CREATE TABLE payment (
  payment_id uuid PRIMARY KEY,
  order_id uuid NOT NULL,
  order_number text NOT NULL,
  customer_id uuid NOT NULL,
  method text NOT NULL CHECK (method IN ('card', 'bank_transfer')),
  state text NOT NULL CHECK (state IN ('created', 'pending', 'succeeded', 'failed', 'cancelled', 'unknown')),
  currency text NOT NULL,
  amount bigint NOT NULL CHECK (amount >= 0),
  received bigint NOT NULL CHECK (received BETWEEN 0 AND amount),
  opened_at timestamptz NOT NULL,
  intent_id text UNIQUE,
  client_secret text,
  charge_id text NOT NULL,
  fee_booked boolean NOT NULL,
  reference text UNIQUE,
  account_name text,
  account_number text,
  bank_name text,
  failure text NOT NULL,
  succeeded_at timestamptz,
  checks int NOT NULL,
  version int NOT NULL,
  CHECK ((state = 'succeeded') = (received = amount AND succeeded_at IS NOT NULL))
);
CREATE INDEX payment_of_order ON payment (order_id);
CREATE INDEX payment_newest ON payment (opened_at, payment_id);
CREATE INDEX payment_of_customer ON payment (customer_id, opened_at, payment_id);

-- Webhooks as they came in: evidence, and a second delivery finds the first.
CREATE TABLE stripe_event (
  event_id text PRIMARY KEY,
  kind text NOT NULL,
  body text NOT NULL,
  intent_id text,
  received_at timestamptz NOT NULL,
  handled_at timestamptz,
  outcome text NOT NULL DEFAULT ''
);
CREATE INDEX stripe_event_unhandled ON stripe_event (received_at) WHERE handled_at IS NULL AND intent_id IS NOT NULL;

CREATE TABLE bank_line (
  bank_line_id uuid PRIMARY KEY,
  account text NOT NULL,
  serial_number text NOT NULL,
  booked_at timestamptz NOT NULL,
  direction text NOT NULL CHECK (direction IN ('in', 'out')),
  amount bigint NOT NULL CHECK (amount > 0),
  currency text NOT NULL,
  counterparty text NOT NULL,
  remittance text NOT NULL,
  state text NOT NULL CHECK (state IN ('matched', 'suspense')),
  target text NOT NULL,
  reason text NOT NULL,
  imported_at timestamptz NOT NULL,
  UNIQUE (account, serial_number)
);
CREATE INDEX bank_line_newest ON bank_line (booked_at, bank_line_id);
CREATE INDEX bank_line_suspense ON bank_line (booked_at, bank_line_id) WHERE state = 'suspense';

CREATE TABLE settlement (
  settlement_id uuid PRIMARY KEY,
  number text NOT NULL UNIQUE,
  state text NOT NULL CHECK (state IN ('open', 'closed', 'awaiting_invoice', 'invoice_matched', 'payable', 'paid')),
  party_kind text NOT NULL CHECK (party_kind IN ('provider', 'station')),
  party_id uuid NOT NULL,
  party_name text NOT NULL,
  until date NOT NULL,
  currency text NOT NULL,
  net bigint NOT NULL CHECK (net > 0),
  tax bigint NOT NULL CHECK (tax >= 0),
  tax_rate_bps int NOT NULL,
  special_invoice boolean NOT NULL,
  lines jsonb NOT NULL,
  payable_from timestamptz NOT NULL,
  closed_at timestamptz NOT NULL,
  payout_id uuid,
  received_invoice_id uuid UNIQUE,
  document_key text,
  document_sha256 text NOT NULL DEFAULT '',
  document_size bigint NOT NULL DEFAULT 0,
  version int NOT NULL DEFAULT 0
);
CREATE INDEX settlement_newest ON settlement (closed_at, settlement_id);
CREATE INDEX settlement_of_party ON settlement (party_id, closed_at, settlement_id);

-- What a party has earned by one order; settlement_id says which statement lists it.
CREATE TABLE accrual (
  order_id uuid NOT NULL REFERENCES contracted_order,
  party_kind text NOT NULL CHECK (party_kind IN ('provider', 'station')),
  party_id uuid NOT NULL,
  order_number text NOT NULL,
  title text NOT NULL,
  currency text NOT NULL,
  order_net bigint NOT NULL,
  fee bigint NOT NULL,
  net bigint NOT NULL CHECK (net > 0),
  tax bigint NOT NULL CHECK (tax >= 0),
  tax_rate_bps int NOT NULL,
  special_invoice boolean NOT NULL,
  accepted_at timestamptz NOT NULL,
  payable_from timestamptz NOT NULL,
  settlement_id uuid REFERENCES settlement,
  PRIMARY KEY (order_id, party_kind)
);
CREATE INDEX accrual_unsettled ON accrual (accepted_at) WHERE settlement_id IS NULL;
CREATE INDEX accrual_of_settlement ON accrual (settlement_id) WHERE settlement_id IS NOT NULL;

CREATE TABLE payout (
  payout_id uuid PRIMARY KEY,
  number text NOT NULL UNIQUE,
  state text NOT NULL CHECK (state IN ('created', 'in_transit', 'paid', 'failed', 'cancelled')),
  settlement_id uuid NOT NULL REFERENCES settlement,
  party_kind text NOT NULL,
  party_id uuid NOT NULL,
  currency text NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  bank_name text NOT NULL,
  account_name text NOT NULL,
  account_number text NOT NULL,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  released_at timestamptz,
  released_by text NOT NULL,
  paid_at timestamptz,
  bank_order_key text,
  version int NOT NULL,
  CHECK (released_by <> created_by) -- four eyes, whatever the code above may do
);
CREATE UNIQUE INDEX payout_of_settlement ON payout (settlement_id) WHERE state IN ('created', 'in_transit', 'paid');
CREATE INDEX payout_newest ON payout (created_at, payout_id);
CREATE INDEX payout_of_party ON payout (party_id, created_at, payout_id);
CREATE SEQUENCE number_st;
CREATE SEQUENCE number_po;
"""


def upgrade() -> None:
    op.execute(schema.V1)
    op.execute(schema.only_append("event_log"))
    op.execute(LEDGER)
    op.execute(schema.only_append("ledger_tx"))
    op.execute(schema.only_append("ledger_entry"))
    op.execute(BUSINESS)
