"""
The comparisons of reconciliation, as SQL: both sides joined in the database, whatever their size.

Each source yields facts: what it is called, what ours and theirs say (null: nothing there), when it happened.
`COMPARE` keeps those that differ and counts those that do not.
"""

# Reversals count for what they take back: both together are what stands of it. What happened in a closed month and
# became known later counts when it happened. What persons booked for an item counts as what the item is about.
_MOVED = """
  SELECT coalesce(i.reference, r.idem_key, t.idem_key) AS key, e.currency,
         sum(CASE e.side WHEN 'D' THEN e.amount ELSE -e.amount END)::bigint AS ours,
         min(coalesce(t.business_at, t.effective_at)) AS at
  FROM ledger_entry e JOIN ledger_tx t USING (seq) LEFT JOIN ledger_tx r ON r.transaction_id = t.reverses_id
  LEFT JOIN adjustment a ON a.transaction_id = coalesce(r.transaction_id, t.transaction_id)
  LEFT JOIN reconciliation_item i USING (item_id)
  WHERE e.account = '{account}' GROUP BY 1, 2"""

# A charge is booked by its own id and its fee by that of the movement; refunds and transfers by ours, which their
# metadata name. A refund that stays pending there and then fails has moved the money there and back, and we have never
# booked either: nothing of it is to be told. Only where it is one of ours, both are there and sum to nothing, and
# nothing of ours stands behind either.
STRIPE = f"""
moved AS ({_MOVED.format(account="A:psp:stripe")}),
names AS (
  SELECT movement_id AS name, movement_id FROM stripe_movement
  UNION ALL SELECT origin, movement_id FROM stripe_movement WHERE kind IN ('charge', 'payment')
  UNION ALL SELECT 'refund:' || replace(ours, '/', ':paid:') || ':card', movement_id FROM stripe_movement
            WHERE kind IN ('refund', 'payment_refund') AND ours <> ''
  UNION ALL SELECT 'refund:' || replace(ours, '/', ':returned:'), movement_id FROM stripe_movement
            WHERE kind IN ('refund_failure', 'payment_failure_refund') AND ours <> ''
  UNION ALL SELECT format('payout:%%s:paid', ours), movement_id FROM stripe_movement
            WHERE kind = 'transfer' AND ours <> ''
  -- Brought back in several parts it is booked with the last of them.
  UNION ALL SELECT format('payout:%%s:returned', payout_id), max(movement_id) FROM payout JOIN stripe_movement
            ON kind IN ('transfer_refund', 'transfer_cancel') AND ours = transfer_id GROUP BY payout_id),
linked AS (
  SELECT moved.*, names.movement_id
  FROM moved LEFT JOIN names ON names.name = CASE WHEN key LIKE 'stripe:%%' THEN split_part(key, ':', 2) ELSE key END),
booked AS (
  SELECT movement_id, currency, sum(ours)::bigint AS ours, min(at) AS at
  FROM linked WHERE movement_id IS NOT NULL GROUP BY 1, 2),
undone AS (
  SELECT s.origin, s.currency FROM stripe_movement s LEFT JOIN booked b USING (movement_id, currency)
  WHERE s.kind IN ('refund', 'payment_refund', 'refund_failure', 'payment_failure_refund') AND s.origin <> ''
  GROUP BY s.origin, s.ours, s.currency
  HAVING count(*) = 2 AND count(*) FILTER (WHERE s.kind IN ('refund', 'payment_refund')) = 1
    AND sum(s.amount - s.fee) = 0 AND bool_and(coalesce(b.ours, 0) = 0)
    AND EXISTS (
      SELECT FROM refund r WHERE r.refund_id = CASE
        WHEN s.ours ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}/' THEN split_part(s.ours, '/', 1)::uuid END)),
facts AS (
  SELECT 'movement' AS kind, coalesce(s.movement_id, l.movement_id) AS reference,
         coalesce(s.currency, l.currency) AS currency, l.ours,
         CASE WHEN undone.origin IS NULL THEN s.amount - s.fee ELSE 0 END AS theirs,
         coalesce(s.created_at, l.at) AS occurred_at, trim(concat_ws(' ', s.kind, s.origin, s.ours)) AS detail
  FROM booked l
  FULL JOIN stripe_movement s ON s.movement_id = l.movement_id AND s.currency = l.currency
  LEFT JOIN undone ON undone.origin = s.origin AND undone.currency = s.currency
  UNION ALL
  SELECT 'movement', key, currency, ours, NULL, at, '' FROM linked WHERE movement_id IS NULL)
"""

# A line is booked by its own key, with a number behind it where it was taken back and booked anew, with a refund's id
# where it pays one; payouts and refunds by one transfer each have keys of their own.
BANK = f"""
moved AS ({_MOVED.format(account="A:bank:main")}),
lines AS (
  SELECT format('bank:%%s:%%s', account, serial_number) AS key, serial_number, currency, booked_at, target, state,
         reason, direction, CASE direction WHEN 'in' THEN amount ELSE -amount END AS theirs
  FROM bank_line WHERE state IN ('matched', 'suspense')),
names AS (
  SELECT key AS name, key FROM lines
  UNION ALL SELECT serial_number, key FROM lines
  UNION ALL SELECT format('payout:%%s:%%s', substr(each, 8), CASE direction WHEN 'out' THEN 'paid' ELSE 'returned' END),
                   key FROM lines, unnest(string_to_array(target, ', ')) AS each WHERE each LIKE 'payout/%%'
  UNION ALL SELECT format('refund:%%s:paid:%%s:bank_transfer', r.refund_id, part ->> 'payment_id'), lines.key
            FROM refund r, jsonb_array_elements(r.parts) AS part
            JOIN lines ON lines.serial_number = part ->> 'reference' AND lines.direction = 'out'
            WHERE part ->> 'route' = 'bank_transfer'
  UNION ALL SELECT format('%%s:%%s:%%s', key, r.refund_id, part ->> 'payment_id'), key
            FROM lines, unnest(string_to_array(target, ', ')) AS each, refund r, jsonb_array_elements(r.parts) AS part
            WHERE each LIKE 'refund/%%' AND r.refund_id = substr(each, 8)::uuid),
linked AS (
  SELECT moved.*, coalesce(names.key, lines.key) AS line
  FROM moved LEFT JOIN names ON names.name = moved.key
  LEFT JOIN lines ON names.key IS NULL
    AND lines.key = regexp_replace(moved.key, '(:[0-9]+|:[0-9a-f]{8}-[0-9a-f-]{27}:.*)$', '')),
stated AS (
  SELECT DISTINCT ON (account, currency, day) account, currency, day, opening, closing
  FROM bank_balance WHERE day <= %(day)s ORDER BY account, currency, day, stated_at DESC),
followed AS (
  SELECT *, lag(day) OVER w AS day_before, lag(closing) OVER w AS closing_before FROM stated
  WINDOW w AS (PARTITION BY account, currency ORDER BY day)),
facts AS (
  SELECT 'movement' AS kind, coalesce(b.serial_number, l.line) AS reference,
         coalesce(b.currency, l.currency) AS currency, l.ours, b.theirs, coalesce(b.booked_at, l.at) AS occurred_at,
         coalesce(b.target, '') AS detail
  FROM (SELECT line, currency, sum(ours)::bigint AS ours, min(at) AS at
        FROM linked WHERE line IS NOT NULL GROUP BY 1, 2) AS l
  FULL JOIN lines b ON b.key = l.line AND b.currency = l.currency
  UNION ALL
  SELECT 'movement', key, currency, ours, NULL, at, '' FROM linked WHERE line IS NULL
  UNION ALL
  SELECT 'suspense', serial_number, currency, NULL, theirs, booked_at, reason FROM lines WHERE state = 'suspense'
  UNION ALL
  SELECT 'statement', format('%%s..%%s', day_before + 1, day - 1), currency, NULL, opening - closing_before,
         (day_before + 1)::timestamp AT TIME ZONE 'Asia/Shanghai', 'the balance changed between two statements'
  FROM followed WHERE opening <> closing_before
  UNION ALL
  SELECT 'statement', format('%%s..', max(day) + 1), currency, NULL, NULL,
         (max(day) + 1)::timestamp AT TIME ZONE 'Asia/Shanghai', 'no statement since'
  FROM stated GROUP BY account, currency HAVING max(day) < %(day)s)
"""

# The newest statement of each programme, with what stood with us at the end of its day. A voucher that is paid ahead
# is granted when it is used and never claimed; of the others a claim is granted for what a refund has left of it. Once
# all is given back that a programme paid too much, what it states of a claim is either: before the refund, or after.
VOUCHERS = """
stated AS (
  SELECT DISTINCT ON (programme_id) statement_id, programme_id, until,
         (until + 1)::timestamp AT TIME ZONE 'Asia/Shanghai' AS ended_at
  FROM programme_statement WHERE until <= %(day)s ORDER BY programme_id, until DESC, imported_at DESC),
theirs AS (
  SELECT s.programme_id, l.order_number, l.currency, part.name, l.amount, l.state,
         l.decided_on::timestamp AT TIME ZONE 'Asia/Shanghai' AS at
  FROM stated s JOIN programme_statement_line l USING (statement_id)
  CROSS JOIN LATERAL (VALUES ('granted', l.state IN ('granted', 'paid')), ('paid', l.state = 'paid'))
    AS part (name, holds)
  WHERE part.holds),
ours AS (
  SELECT s.programme_id, u.order_number, u.currency, part.name, part.amount, u.amount AS amount_left, part.at,
         NOT EXISTS (SELECT FROM account_balance b WHERE b.account = 'L:voucher_clawback:' || s.programme_id
                     AND b.currency = u.currency AND b.posted_c > b.posted_d) AS given_back
  FROM stated s JOIN voucher_use u USING (programme_id)
  LEFT JOIN claim c ON c.use_id = u.use_id AND c.state IN ('approved', 'paid')
  CROSS JOIN LATERAL (VALUES
    ('granted', CASE c.state WHEN 'paid' THEN c.paid ELSE u.amount END, CASE u.redeem_to WHEN 'prefunded' THEN u.used_at
                 ELSE c.approved_at END),
    ('paid', c.paid, c.paid_at)) AS part (name, amount, at)
  WHERE part.at < s.ended_at AND u.state IN ('used', 'claimed', 'redeemed')
    AND (c.claim_id IS NOT NULL OR (u.redeem_to = 'prefunded' AND part.name = 'granted'))),
facts AS (
  SELECT 'movement' AS kind, currency, format('%%s/%%s/%%s', (
           SELECT number FROM programme p WHERE p.programme_id = coalesce(ours.programme_id, theirs.programme_id)
         ), order_number, name) AS reference,
         CASE WHEN given_back AND theirs.amount = amount_left THEN amount_left ELSE ours.amount END AS ours,
         theirs.amount AS theirs, coalesce(theirs.at, ours.at) AS occurred_at, coalesce(theirs.state, '') AS detail
  FROM ours FULL JOIN theirs USING (programme_id, order_number, currency, name))
"""

# Days of which there is a bill: all since the first order there that are over.
_BILL_DAYS = """generate_series(
  (SELECT min(opened_at) AT TIME ZONE 'Asia/Shanghai' FROM channel_order)::date::timestamp,
  %(until)s AT TIME ZONE 'Asia/Shanghai' - interval '1 day', '1 day') AS day"""

# A line of a bill is about one thing, by our number of it: what of it moves our balance there is a movement, what moves
# what is held for orders is of kind held. The bank names no withdrawal: of each amount the first of the channel's is
# the first that a line of the bank is. What we booked on a day whose bill we have not yet is no item: the bill is.
CHANNEL = f"""
booked AS (
  SELECT 'movement' AS kind, * FROM ({_MOVED.format(account="A:psp:channel")}) AS m
  UNION ALL SELECT 'held', * FROM ({_MOVED.format(account="M:channel:platform")}) AS m),
ours AS (
  SELECT payment_id::text AS number, transaction_id, order_number FROM channel_order
  UNION ALL SELECT order_id::text, transaction_id, order_number FROM channel_order),
lines AS (
  SELECT m.kind || '/' || m.number AS reference, m.kind AS what, m.number, m.currency, m.balance, m.held, m.at,
         ours.transaction_id, coalesce(ours.order_number, '') AS detail
  FROM channel_movement m
  LEFT JOIN ours ON ours.number = CASE m.kind WHEN 'refund' THEN split_part(m.number, '/', 2) ELSE m.number END),
listed AS (
  SELECT part.kind, reference, currency, part.theirs, at, detail
  FROM lines CROSS JOIN LATERAL (VALUES ('movement', balance), ('held', held)) AS part (kind, theirs)
  WHERE part.theirs <> 0),
withdrawn AS (
  SELECT reference, currency, balance, row_number() OVER (PARTITION BY currency, balance ORDER BY at, number) AS n
  FROM lines WHERE what = 'withdrawal'),
at_bank AS (
  SELECT key, currency, ours, row_number() OVER (PARTITION BY currency, ours ORDER BY at, key) AS n
  FROM booked WHERE kind = 'movement' AND key LIKE 'bank:%%'),
names AS (
  SELECT DISTINCT ON (name) name, reference FROM (
    SELECT reference AS name, reference FROM lines
    UNION ALL SELECT CASE what
      WHEN 'order' THEN 'channel:' || transaction_id
      WHEN 'release' THEN format('channel:%%s:released', transaction_id)
      WHEN 'split' THEN 'split:' || number
      WHEN 'return' THEN 'split_return:' || split_part(number, '/', 1)
      WHEN 'refund' THEN CASE split_part(number, '/', 1)
        WHEN 'late' THEN format('channel:%%s:late_refund', transaction_id)
        ELSE format('refund:%%s:paid:%%s:platform_channel', split_part(number, '/', 1), split_part(number, '/', 2))
             || CASE split_part(number, '/', 3) WHEN '0' THEN '' ELSE ':' || split_part(number, '/', 3) END
        END
      END, reference FROM lines
    UNION ALL SELECT b.key, w.reference
    FROM at_bank b JOIN withdrawn w ON (w.currency, w.balance, w.n) = (b.currency, b.ours, b.n)) AS each
  WHERE name IS NOT NULL ORDER BY name, reference),
linked AS (
  SELECT b.kind, coalesce(names.reference, b.key) AS reference, b.currency, sum(b.ours)::bigint AS ours, min(b.at) AS at
  FROM booked b LEFT JOIN names ON names.name = b.key GROUP BY 1, 2, 3),
facts AS (
  SELECT kind, reference, currency, l.ours, t.theirs, coalesce(t.at, l.at) AS occurred_at,
         coalesce(t.detail, '') AS detail
  FROM linked l FULL JOIN listed t USING (kind, reference, currency)
  WHERE t.theirs IS NOT NULL OR EXISTS (
    SELECT FROM channel_bill b WHERE b.day = (l.at AT TIME ZONE 'Asia/Shanghai')::date)
  UNION ALL
  SELECT 'statement', day::date::text, '', NULL, NULL, day AT TIME ZONE 'Asia/Shanghai', 'no bill of this day'
  FROM {_BILL_DAYS} WHERE NOT EXISTS (SELECT FROM channel_bill b WHERE b.day = day.day::date))
"""

COMPARE = """
WITH {facts},
stated_balances AS (
  SELECT 'balance' AS kind, currency AS reference, currency, expected AS ours, theirs,
         -- Who states no past balances: since a run first saw it.
         coalesce(differs_since, (SELECT i.occurred_at FROM reconciliation_item i
           WHERE (i.source, i.kind, i.reference) = (%(source)s, 'balance', b.currency) AND i.resolved_at IS NULL),
           %(now)s) AS occurred_at, '' AS detail
  FROM jsonb_to_recordset(%(balances)s) AS b
    (currency text, expected bigint, theirs bigint, differs_since timestamptz)),
told AS (
  SELECT *, CASE WHEN kind IN ('suspense', 'statement') THEN 'theirs_only'
                 WHEN coalesce(ours, 0) = coalesce(theirs, 0) THEN 'matched'
                 WHEN coalesce(ours, 0) = 0 AND kind <> 'balance' THEN 'theirs_only'
                 WHEN theirs IS NULL THEN 'ours_only'
                 ELSE 'amount_differs' END AS state,
         occurred_at < %(overdue_before)s AS overdue
  FROM (SELECT kind, reference, currency, ours, theirs, occurred_at, detail FROM facts WHERE occurred_at < %(until)s
        UNION ALL SELECT * FROM stated_balances) AS each),
seen AS (
  INSERT INTO reconciliation_item AS i
    (source, kind, reference, currency, state, occurred_at, first_seen_at, overdue, last_run_id)
  SELECT %(source)s, kind, reference, currency, state, occurred_at, %(now)s, overdue, %(run_id)s
  FROM told WHERE state <> 'matched'
  ON CONFLICT (source, kind, reference, currency) DO UPDATE SET
    state = excluded.state, occurred_at = excluded.occurred_at, overdue = excluded.overdue,
    last_run_id = excluded.last_run_id, resolved_at = NULL,
    first_seen_at = CASE WHEN i.resolved_at IS NULL THEN i.first_seen_at ELSE excluded.first_seen_at END
  RETURNING item_id, kind, reference, currency, first_seen_at),
found AS (
  INSERT INTO reconciliation_finding
    (run_id, item_id, state, ours, theirs, occurred_at, first_seen_at, overdue, detail)
  SELECT %(run_id)s, s.item_id, t.state, t.ours, t.theirs, t.occurred_at, s.first_seen_at, t.overdue, t.detail
  FROM seen s JOIN told t USING (kind, reference, currency))
SELECT count(*) FILTER (WHERE state = 'matched' AND kind <> 'balance') AS matched,
       count(*) FILTER (WHERE state = 'ours_only') AS ours_only,
       count(*) FILTER (WHERE state = 'theirs_only') AS theirs_only,
       count(*) FILTER (WHERE state = 'amount_differs') AS amount_differs,
       count(*) FILTER (WHERE state <> 'matched' AND overdue) AS overdue
FROM told
"""

# What COMPARE has just seen carries its run; what is open and does not is in order now. A statement of its own: within
# one, it could only look for each open item in all that differs.
RESOLVE = """
UPDATE reconciliation_item SET resolved_at = %(now)s, last_run_id = %(run_id)s
WHERE source = %(source)s AND resolved_at IS NULL AND last_run_id <> %(run_id)s
  AND (occurred_at < %(until)s OR kind = 'balance')
"""

STRIPE_BALANCES = """
SELECT currency, theirs::bigint AS theirs,
       (SELECT coalesce(sum(posted_d - posted_c), 0)::bigint FROM account_balance b
        WHERE account = 'A:psp:stripe' AND b.currency = told.currency) AS ours,
       (SELECT coalesce(sum(amount - fee), 0)::bigint FROM stripe_movement m
        WHERE m.currency = told.currency) AS listed
FROM jsonb_each_text(%(stated)s) AS told (currency, theirs) ORDER BY currency
"""

# What stood there before the first statement and nobody has booked stays beside the ledger for ever.
BANK_BALANCES = """
WITH moved AS (
  SELECT e.currency, (coalesce(t.business_at, t.effective_at) AT TIME ZONE 'Asia/Shanghai')::date AS day,
         sum(CASE e.side WHEN 'D' THEN e.amount ELSE -e.amount END)::bigint AS amount
  FROM ledger_entry e JOIN ledger_tx t USING (seq) WHERE e.account = 'A:bank:main' GROUP BY 1, 2),
stated AS (
  SELECT DISTINCT ON (currency, day) currency, day, opening, closing
  FROM bank_balance WHERE (day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai' <= %(until)s
  ORDER BY currency, day, stated_at DESC),
began AS (
  SELECT DISTINCT ON (s.currency) s.currency, s.opening - (
    SELECT coalesce(sum(m.amount), 0) FROM moved m WHERE m.currency = s.currency AND m.day < s.day)::bigint AS before
  FROM stated s ORDER BY s.currency, s.day),
standing AS (
  SELECT s.currency, s.day, s.closing AS theirs, b.before, b.before + (
    SELECT coalesce(sum(m.amount), 0) FROM moved m WHERE m.currency = s.currency AND m.day <= s.day)::bigint AS ours
  FROM stated s JOIN began b USING (currency))
SELECT DISTINCT ON (n.currency) n.currency, n.theirs, n.ours, n.before, n.day AS "on",
  CASE WHEN n.theirs <> n.ours THEN (
    SELECT (min(f.day) + 1)::timestamp AT TIME ZONE 'Asia/Shanghai' FROM standing f
    WHERE f.currency = n.currency AND f.day > coalesce(
      (SELECT max(g.day) FROM standing g WHERE g.currency = n.currency AND g.theirs = g.ours), 'epoch')) END
  AS differs_since
FROM standing n ORDER BY n.currency, n.day DESC
"""

CHANNEL_BALANCES = """
WITH standing AS (
  SELECT b.currency, b.day, b.closing AS theirs, (first_value(b.opening) OVER of_currency + sum((
    SELECT coalesce(sum(m.balance), 0) FROM channel_movement m WHERE m.day = b.day AND m.currency = b.currency
  )) OVER of_currency)::bigint AS listed
  FROM channel_bill b WHERE (b.day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai' <= %(until)s
  WINDOW of_currency AS (PARTITION BY b.currency ORDER BY b.day))
SELECT DISTINCT ON (n.currency) n.currency, n.theirs, n.listed, n.day AS "on", (
    SELECT coalesce(sum(CASE e.side WHEN 'D' THEN e.amount ELSE -e.amount END), 0)::bigint
    FROM ledger_entry e JOIN ledger_tx t USING (seq)
    WHERE e.account = 'A:psp:channel' AND e.currency = n.currency
      AND coalesce(t.business_at, t.effective_at) < (n.day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai') AS ours,
  CASE WHEN n.theirs <> n.listed THEN (
    SELECT min(f.day)::timestamp AT TIME ZONE 'Asia/Shanghai' FROM standing f
    WHERE f.currency = n.currency AND f.day > coalesce((
      SELECT max(g.day) FROM standing g WHERE g.currency = n.currency AND g.theirs = g.listed), '-infinity')) END
  AS differs_since
FROM standing n ORDER BY n.currency, n.day DESC
"""

BILLS_WANTED = f"""
SELECT day::date FROM {_BILL_DAYS}
WHERE %(again_since)s::timestamptz IS NULL OR (day + interval '1 day') AT TIME ZONE 'Asia/Shanghai' > %(again_since)s
   OR NOT EXISTS (SELECT FROM channel_bill b WHERE b.day = day.day::date)
ORDER BY day
"""

OVERDUE = """
SELECT source, count(*) AS items, max(%(now)s - occurred_at) AS age
FROM reconciliation_item WHERE resolved_at IS NULL AND overdue GROUP BY source
"""
OPEN = """
SELECT state, count(*) FROM reconciliation_item WHERE resolved_at IS NULL AND source = %(source)s GROUP BY state
"""
# As the run found it that told of it last.
ITEM = """
SELECT i.source, i.kind, i.currency, f.ours, f.theirs, f.started_at AS found_at, i.resolved_at IS NULL AS open
FROM reconciliation_item i
CROSS JOIN LATERAL (
  SELECT f.ours, f.theirs, r.started_at FROM reconciliation_finding f JOIN reconciliation_run r USING (run_id)
  WHERE f.item_id = i.item_id ORDER BY r.started_at DESC LIMIT 1) AS f
WHERE i.item_id = %(item_id)s FOR UPDATE OF i
"""
