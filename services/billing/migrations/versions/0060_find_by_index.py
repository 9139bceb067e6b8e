"""
Posting never reads the whole ledger, whatever is known of it, and does less.

A plan that was made while a table was small, or before it was ever analysed, joined by reading all of it: each posting
of a new ledger's first minute cost more than the one before. What a posting looks up is now looked up by index.
"""

from alembic import op

revision = "0060"
down_revision = "0059"

CHECKS = """
-- Entries of one statement balance by themselves and are those of transactions that exist, with the same times.
-- One look at ledger_tx for each transaction, not for each entry; LATERAL with LIMIT is never a join by hash.
CREATE OR REPLACE FUNCTION check_ledger_entries() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
  PERFORM FROM (
    SELECT seq, transaction_id, effective_at, posted_at,
           sum(CASE side WHEN 'D' THEN amount ELSE -amount END) AS difference
    FROM added GROUP BY seq, transaction_id, effective_at, posted_at, currency
  ) AS a LEFT JOIN LATERAL (
    SELECT t.seq FROM ledger_tx t
    WHERE t.seq = a.seq AND t.transaction_id = a.transaction_id
      AND t.effective_at = a.effective_at AND t.posted_at = a.posted_at LIMIT 1
  ) AS t ON true
  WHERE a.difference <> 0 OR t.seq IS NULL LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'entries do not balance, or belong to no transaction' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

-- Each statement of entries balances by itself and nothing is ever changed, so here only one is missing: none at all.
CREATE OR REPLACE FUNCTION check_ledger_tx_balanced() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
  PERFORM FROM ledger_entry WHERE seq = NEW.seq LIMIT 1;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'ledger transaction % does not balance: it has no entries', NEW.transaction_id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
"""

MOVE = """
-- Adds entries to the balances of their accounts and makes the accounts that are new. In the order of accounts, the
-- same for everybody, so that two postings wait instead of blocking each other. Least balances hold for all together.
-- YQ001 an account would fall below its least balance.
CREATE FUNCTION move_balances(
  p_accounts text[], p_sides text[], p_amounts bigint[], p_currencies text[], p_least bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  below text;
  accounts text[];
  currencies text[];
  least_balances bigint[];
BEGIN
  WITH change AS (
    SELECT account, currency, max(least) AS least, coalesce(sum(amount) FILTER (WHERE side = 'D'), 0) AS d,
           coalesce(sum(amount) FILTER (WHERE side = 'C'), 0) AS c
    FROM unnest(p_accounts, p_sides, p_amounts, p_currencies, p_least) AS e (account, side, amount, currency, least)
    GROUP BY account, currency
  ), moved AS (
    INSERT INTO account_balance AS b (account, currency, part, posted_d, posted_c)
    SELECT account, currency, CASE WHEN least IS NULL THEN pg_backend_pid() % 32 ELSE 0 END, d, c
    FROM change ORDER BY account, currency
    ON CONFLICT (account, currency, part) DO UPDATE
      SET posted_d = b.posted_d + EXCLUDED.posted_d, posted_c = b.posted_c + EXCLUDED.posted_c,
          version = b.version + 1
    RETURNING account, currency, posted_c - posted_d AS holds, version
  )
  SELECT min(account) FILTER (WHERE holds < least), array_agg(account) FILTER (WHERE version = 1),
         array_agg(currency) FILTER (WHERE version = 1), array_agg(least) FILTER (WHERE version = 1)
  INTO below, accounts, currencies, least_balances
  FROM moved JOIN change USING (account, currency);
  IF below IS NOT NULL THEN
    RAISE EXCEPTION '% would be overdrawn', below USING ERRCODE = 'YQ001';
  END IF;
  IF accounts IS NOT NULL THEN
    INSERT INTO account (account, currency, kind, min_balance)
    SELECT account, currency, left(account, 1), least
    FROM unnest(accounts, currencies, least_balances) AS new (account, currency, least)
    ORDER BY account, currency
    ON CONFLICT DO NOTHING;
  END IF;
END $$;
"""

POST = """
-- One transaction with its entries and balances in one round trip.
-- Answers when it counts: later than it happened where those books are closed. Null: the very same stands there.
-- YQ001 an account would fall below its least balance; YQ002 the key stands there with other entries.
CREATE OR REPLACE FUNCTION post_ledger(
  p_id uuid, p_key text, p_hash bytea, p_kind text, p_order uuid, p_order_number text, p_cause text,
  p_happened_at timestamptz, p_posted_at timestamptz, p_reverses uuid,
  p_accounts text[], p_sides text[], p_amounts bigint[], p_currencies text[], p_least bigint[]
) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
  known bytea;
  number bigint;
  effective timestamptz;
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

  PERFORM move_balances(p_accounts, p_sides, p_amounts, p_currencies, p_least);
  RETURN effective;
END $$;

-- Many transactions at once, each key once, as post_ledger books one: p_of says, for each entry, the place of its
-- transaction (from 1). Answers for each when it counts; null: the very same stands there. YQ001, YQ002: none is
-- booked. Least balances hold for all of them together: what one takes another may have brought.
CREATE OR REPLACE FUNCTION post_ledger_batch(
  p_ids uuid[], p_keys text[], p_hashes bytea[], p_kinds text[], p_orders uuid[], p_order_numbers text[], p_cause text,
  p_happened_at timestamptz[], p_posted_at timestamptz,
  p_of int[], p_lines int[], p_accounts text[], p_sides text[], p_amounts bigint[], p_currencies text[],
  p_least bigint[]
) RETURNS timestamptz[] LANGUAGE plpgsql AS $$
DECLARE
  numbers bigint[];
  counts_at timestamptz[];
  closed_until timestamptz;
  wrong text;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7460001); -- as post_ledger does
  PERFORM pg_current_xact_id(); -- before any number is taken, as next_ledger_seq does
  SELECT until INTO closed_until FROM ledger_closed;

  WITH given AS (
    SELECT * FROM unnest(p_ids, p_keys, p_hashes, p_kinds, p_orders, p_order_numbers, p_happened_at) WITH ORDINALITY
      AS g (id, key, hash, kind, order_id, order_number, happened_at, place)
  ), booked AS (
    INSERT INTO ledger_tx (transaction_id, idem_key, request_hash, kind, order_id, order_number, cause, effective_at,
                           posted_at, business_at, seq)
    SELECT id, key, hash, kind, order_id, order_number, p_cause, greatest(happened_at, closed_until), p_posted_at,
           CASE WHEN happened_at < closed_until THEN happened_at END, nextval('ledger_seq')
    FROM given ORDER BY place
    ON CONFLICT DO NOTHING RETURNING transaction_id, seq, effective_at
  )
  SELECT array_agg(b.seq ORDER BY g.place), array_agg(b.effective_at ORDER BY g.place) INTO numbers, counts_at
  FROM given g LEFT JOIN booked b ON b.transaction_id = g.id;

  IF array_position(numbers, NULL) IS NOT NULL THEN
    SELECT g.key INTO wrong FROM unnest(p_keys, p_hashes, numbers) AS g (key, hash, number)
    LEFT JOIN ledger_tx t ON t.idem_key = g.key
    WHERE g.number IS NULL AND t.request_hash IS DISTINCT FROM g.hash LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION '% stands in the ledger with other entries', wrong USING ERRCODE = 'YQ002';
    END IF;
    SELECT array_agg(place), array_agg(line), array_agg(account), array_agg(side), array_agg(amount),
           array_agg(currency), array_agg(least)
    INTO p_of, p_lines, p_accounts, p_sides, p_amounts, p_currencies, p_least
    FROM unnest(p_of, p_lines, p_accounts, p_sides, p_amounts, p_currencies, p_least)
         AS e (place, line, account, side, amount, currency, least)
    WHERE numbers[place] IS NOT NULL;
  END IF;

  INSERT INTO ledger_entry (transaction_id, line, account, side, amount, currency, seq, effective_at, posted_at)
  SELECT p_ids[e.place], e.line, e.account, e.side, e.amount, e.currency, numbers[e.place], counts_at[e.place],
         p_posted_at
  FROM unnest(p_of, p_lines, p_accounts, p_sides, p_amounts, p_currencies)
       AS e (place, line, account, side, amount, currency);

  PERFORM move_balances(p_accounts, p_sides, p_amounts, p_currencies, p_least);
  RETURN counts_at;
END $$;
"""


def upgrade() -> None:
    op.execute(CHECKS)
    op.execute(MOVE)
    op.execute(POST)
