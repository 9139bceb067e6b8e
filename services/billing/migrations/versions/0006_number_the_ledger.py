"""Number the ledger's transactions in the order of posting; entries know their times; books can be closed."""

from alembic import op

revision = "0006"
down_revision = "0005"

NUMBERS = """
-- Whoever takes a number has a transaction id already. So once every transaction that was running when the numbers
-- stood at n has ended, nothing with a number up to n can still come: what seals and what counts relies on it.
CREATE SEQUENCE ledger_seq;
CREATE FUNCTION next_ledger_seq() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_current_xact_id();
  RETURN nextval('ledger_seq');
END $$;

ALTER TABLE ledger_tx ADD COLUMN seq bigint NOT NULL DEFAULT next_ledger_seq();
ALTER TABLE ledger_tx ADD COLUMN business_at timestamptz; -- where the books of effective_at's period were closed
ALTER TABLE ledger_tx ADD CONSTRAINT ledger_tx_late CHECK (business_at < effective_at);
CREATE UNIQUE INDEX ledger_tx_seq ON ledger_tx (seq);
DROP INDEX ledger_tx_newest;
DROP INDEX ledger_tx_of_order;
CREATE INDEX ledger_tx_of_order ON ledger_tx (order_id, seq) WHERE order_id IS NOT NULL;
ALTER TABLE ledger_tx DROP CONSTRAINT ledger_tx_reverses_id_key;
CREATE UNIQUE INDEX ledger_tx_reversed_once ON ledger_tx (reverses_id) WHERE reverses_id IS NOT NULL;

-- An entry carries number and times of its transaction: what stood on an account at a time is read from one index.
-- They are filled by rewriting the table, because rows of it cannot be changed.
CREATE FUNCTION ledger_tx_of_entry(p_id uuid) RETURNS ledger_tx LANGUAGE sql STABLE AS
  'SELECT t FROM ledger_tx t WHERE t.transaction_id = p_id';
ALTER TABLE ledger_entry ADD COLUMN seq bigint, ADD COLUMN effective_at timestamptz, ADD COLUMN posted_at timestamptz;
ALTER TABLE ledger_entry
  ALTER COLUMN seq TYPE bigint USING (ledger_tx_of_entry(transaction_id)).seq,
  ALTER COLUMN effective_at TYPE timestamptz USING (ledger_tx_of_entry(transaction_id)).effective_at,
  ALTER COLUMN posted_at TYPE timestamptz USING (ledger_tx_of_entry(transaction_id)).posted_at;
ALTER TABLE ledger_entry
  ALTER COLUMN seq SET NOT NULL, ALTER COLUMN effective_at SET NOT NULL, ALTER COLUMN posted_at SET NOT NULL;
DROP FUNCTION ledger_tx_of_entry;
-- Numbers grow, derived ids jump about: the key by number is written at its end only. What the foreign key proved
-- row by row, the trigger below proves for a whole statement.
ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_pkey;
ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_transaction_id_fkey;
ALTER TABLE ledger_entry ADD PRIMARY KEY (seq, line);
DROP INDEX ledger_entry_of_account;
CREATE INDEX ledger_entry_of_account ON ledger_entry (account, currency, effective_at, seq, line);
CREATE INDEX ledger_entry_effective ON ledger_entry USING brin (effective_at) WITH (pages_per_range = 32);
"""

CHECKS = """
-- Entries of one statement balance by themselves and are those of transactions that exist, with the same times.
DROP TRIGGER ledger_entry_balanced ON ledger_entry;
CREATE FUNCTION check_ledger_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM added a
  LEFT JOIN ledger_tx t ON t.seq = a.seq AND t.transaction_id = a.transaction_id
    AND t.effective_at = a.effective_at AND t.posted_at = a.posted_at
  GROUP BY a.seq, a.currency
  HAVING sum(CASE a.side WHEN 'D' THEN a.amount ELSE -a.amount END) <> 0 OR count(*) <> count(t.seq) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'entries do not balance, or belong to no transaction' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER ledger_entry_balanced AFTER INSERT ON ledger_entry REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION check_ledger_entries();

CREATE OR REPLACE FUNCTION check_ledger_tx_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM (
    SELECT sum(CASE side WHEN 'D' THEN amount ELSE -amount END) AS difference
    FROM ledger_entry WHERE seq = NEW.seq GROUP BY currency
  ) AS by_currency
  HAVING count(*) > 0 AND bool_and(difference = 0);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'ledger transaction % does not balance', NEW.transaction_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
"""

POST = """
-- The books before this instant are closed: what happened then and becomes known now is booked at this instant.
CREATE TABLE ledger_closed (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  until timestamptz NOT NULL
);
INSERT INTO ledger_closed (until) VALUES ('epoch');

ALTER TABLE account_balance DROP CONSTRAINT account_balance_account_currency_fkey;
ALTER TABLE account_balance ADD CONSTRAINT account_balance_account FOREIGN KEY (account, currency) REFERENCES account
  DEFERRABLE INITIALLY DEFERRED; -- the balance is the row that others wait for; the account follows when it is new

-- One transaction with its entries and balances in one round trip.
-- Answers when it counts: later than it happened where those books are closed. Null: the very same stands there.
-- YQ001 an account would fall below its least balance; YQ002 the key stands there with other entries.
CREATE FUNCTION post_ledger(
  p_id uuid, p_key text, p_hash bytea, p_kind text, p_order uuid, p_order_number text, p_cause text,
  p_happened_at timestamptz, p_posted_at timestamptz, p_reverses uuid,
  p_accounts text[], p_sides text[], p_amounts bigint[], p_currencies text[], p_least bigint[]
) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
  known bytea;
  number bigint;
  effective timestamptz;
  below text;
  fresh boolean;
BEGIN
  -- Held to the end of the transaction: who closes a month waits for it, and we wait for who is closing one.
  PERFORM pg_advisory_xact_lock_shared(7460001);
  SELECT greatest(p_happened_at, until) INTO effective FROM ledger_closed;

  INSERT INTO ledger_tx (transaction_id, idem_key, request_hash, kind, order_id, order_number, cause, effective_at,
                         posted_at, reverses_id, business_at)
  VALUES (p_id, p_key, p_hash, p_kind, p_order, p_order_number, p_cause, effective, p_posted_at, p_reverses,
          nullif(p_happened_at, effective))
  ON CONFLICT DO NOTHING RETURNING seq INTO number;
  IF number IS NULL THEN
    SELECT request_hash INTO known FROM ledger_tx WHERE idem_key = p_key;
    IF known IS DISTINCT FROM p_hash THEN
      RAISE EXCEPTION '% stands in the ledger with other entries', p_key USING ERRCODE = 'YQ002';
    END IF;
    RETURN NULL;
  END IF;

  INSERT INTO ledger_entry (transaction_id, line, account, side, amount, currency, seq, effective_at, posted_at)
  SELECT p_id, e.line, e.account, e.side, e.amount, e.currency, number, effective, p_posted_at
  FROM unnest(p_accounts, p_sides, p_amounts, p_currencies) WITH ORDINALITY
       AS e (account, side, amount, currency, line);

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
    RETURNING account, currency, part, posted_c - posted_d AS holds, version
  )
  SELECT bool_or(m.version = 1), min(m.account) FILTER (WHERE m.part = 0 AND m.holds < (
           SELECT max(e.least) FROM unnest(p_accounts, p_currencies, p_least) AS e (account, currency, least)
           WHERE e.account = m.account AND e.currency = m.currency))
  INTO fresh, below
  FROM moved m;
  IF below IS NOT NULL THEN
    RAISE EXCEPTION '% would be overdrawn', below USING ERRCODE = 'YQ001';
  END IF;
  IF fresh THEN
    INSERT INTO account (account, currency, kind, min_balance)
    SELECT DISTINCT e.account, e.currency, left(e.account, 1), e.least
    FROM unnest(p_accounts, p_currencies, p_least) AS e (account, currency, least)
    WHERE NOT EXISTS (SELECT FROM account a WHERE a.account = e.account AND a.currency = e.currency)
    ORDER BY 1, 2
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN effective;
END $$;

-- As the version before this one calls it; falls with the next release.
CREATE OR REPLACE FUNCTION post_ledger_tx(
  p_id uuid, p_key text, p_hash bytea, p_kind text, p_order uuid, p_order_number text, p_cause text,
  p_effective_at timestamptz, p_posted_at timestamptz, p_reverses uuid,
  p_accounts text[], p_sides text[], p_amounts bigint[], p_currencies text[], p_least bigint[]
) RETURNS boolean LANGUAGE sql AS $$
  SELECT post_ledger(p_id, p_key, p_hash, p_kind, p_order, p_order_number, p_cause, p_effective_at, p_posted_at,
                     p_reverses, p_accounts, p_sides, p_amounts, p_currencies, p_least) IS NOT NULL
$$;

-- A reversal takes back exactly what it names, and is itself never taken back. Once each: ledger_tx_reversed_once.
CREATE FUNCTION check_ledger_reversal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM ledger_tx t WHERE t.transaction_id = NEW.reverses_id AND t.reverses_id IS NOT NULL) THEN
    RAISE EXCEPTION 'a reversal is not reversed' USING ERRCODE = 'check_violation';
  END IF;
  PERFORM FROM (
    SELECT account, currency, CASE side WHEN 'D' THEN amount ELSE -amount END AS moved
    FROM ledger_entry WHERE seq = NEW.seq
    UNION ALL
    SELECT e.account, e.currency, CASE e.side WHEN 'D' THEN e.amount ELSE -e.amount END
    FROM ledger_tx t JOIN ledger_entry e USING (seq) WHERE t.transaction_id = NEW.reverses_id
  ) AS both_ways GROUP BY account, currency HAVING sum(moved) <> 0 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'a reversal mirrors what it reverses' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_tx_reversal AFTER INSERT ON ledger_tx DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.reverses_id IS NOT NULL) EXECUTE FUNCTION check_ledger_reversal();
"""


def upgrade() -> None:
    op.execute(NUMBERS)
    op.execute(CHECKS)
    op.execute(POST)
