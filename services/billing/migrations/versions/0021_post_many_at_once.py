"""Post many transactions in a few statements."""

from alembic import op

revision = "0021"
down_revision = "0020"

POST = """
-- Many transactions at once, each key once, as post_ledger books one: p_of says, for each entry, the place of its
-- transaction (from 1). Answers for each when it counts; null: the very same stands there. YQ001, YQ002: none is
-- booked. Least balances hold for all of them together: what one takes another may have brought.
CREATE FUNCTION post_ledger_batch(
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
  fresh boolean;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7460001); -- as post_ledger does
  SELECT until INTO closed_until FROM ledger_closed;

  WITH given AS (
    SELECT * FROM unnest(p_ids, p_keys, p_hashes, p_kinds, p_orders, p_order_numbers, p_happened_at) WITH ORDINALITY
      AS g (id, key, hash, kind, order_id, order_number, happened_at, place)
  ), booked AS (
    INSERT INTO ledger_tx (transaction_id, idem_key, request_hash, kind, order_id, order_number, cause, effective_at,
                           posted_at, business_at)
    SELECT id, key, hash, kind, order_id, order_number, p_cause, greatest(happened_at, closed_until), p_posted_at,
           CASE WHEN happened_at < closed_until THEN happened_at END
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
  END IF;

  INSERT INTO ledger_entry (transaction_id, line, account, side, amount, currency, seq, effective_at, posted_at)
  SELECT p_ids[e.place], e.line, e.account, e.side, e.amount, e.currency, numbers[e.place], counts_at[e.place],
         p_posted_at
  FROM unnest(p_of, p_lines, p_accounts, p_sides, p_amounts, p_currencies)
       AS e (place, line, account, side, amount, currency)
  WHERE numbers[e.place] IS NOT NULL;

  WITH moved AS (
    INSERT INTO account_balance AS b (account, currency, part, posted_d, posted_c)
    SELECT e.account, e.currency, CASE WHEN min(e.least) IS NULL THEN pg_backend_pid() % 32 ELSE 0 END,
           coalesce(sum(e.amount) FILTER (WHERE e.side = 'D'), 0),
           coalesce(sum(e.amount) FILTER (WHERE e.side = 'C'), 0)
    FROM unnest(p_of, p_accounts, p_sides, p_amounts, p_currencies, p_least)
         AS e (place, account, side, amount, currency, least)
    WHERE numbers[e.place] IS NOT NULL
    GROUP BY e.account, e.currency
    ORDER BY e.account, e.currency
    ON CONFLICT (account, currency, part) DO UPDATE
      SET posted_d = b.posted_d + EXCLUDED.posted_d, posted_c = b.posted_c + EXCLUDED.posted_c,
          version = b.version + 1
    RETURNING account, currency, part, posted_c - posted_d AS holds, version
  ), limits AS (
    SELECT DISTINCT e.account, e.currency, e.least FROM unnest(p_accounts, p_currencies, p_least)
      AS e (account, currency, least) WHERE e.least IS NOT NULL
  )
  SELECT bool_or(m.version = 1), min(m.account) FILTER (WHERE m.holds < l.least) INTO fresh, wrong
  FROM moved m LEFT JOIN limits l USING (account, currency);
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION '% would be overdrawn', wrong USING ERRCODE = 'YQ001';
  END IF;
  IF fresh THEN
    INSERT INTO account (account, currency, kind, min_balance)
    SELECT DISTINCT e.account, e.currency, left(e.account, 1), e.least
    FROM unnest(p_accounts, p_currencies, p_least) AS e (account, currency, least)
    WHERE NOT EXISTS (SELECT FROM account a WHERE a.account = e.account AND a.currency = e.currency)
    ORDER BY 1, 2
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN counts_at;
END $$;
"""


def upgrade() -> None:
    op.execute(POST)
