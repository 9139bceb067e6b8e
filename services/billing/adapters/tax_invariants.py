"""
What must always hold between the ledger and what is invoiced; as the checks of `invariants.py`.

The customer's invoice is over the order; where the provider sold, or an order is internal, the provider's is over the
fee. A red letter that is not here yet is awaited: what the ledger has of its refund already is left out, and
`RED_LETTERS_AWAITED` lists it. Where a refund came before its invoice, which says so much less, there is a reduction
in place of a red letter, and no paper. A refund that takes back of two invoices is here when both red letters are; one
that made the fee more has an invoice.
"""

from services.billing.adapters.invariant_reach import bounded

# Copies, but for red letters whose refund has another that is not here yet.
_COPY = """
  SELECT * FROM invoice_copy AS own
  WHERE parts = 1 OR parts = (SELECT count(*) FROM invoice_copy WHERE refund_id = own.refund_id)"""
# What is invoiced because of each refund, and taken back.
_OF_REFUND = f"""
  SELECT refund_id, min(order_id::text)::uuid AS order_id, min(kind) AS kind, string_agg(number, ', ') AS number,
         sum(net) AS net, sum(tax) AS tax
  FROM ({_COPY}) AS c WHERE refund_id IS NOT NULL GROUP BY refund_id"""

# What acceptance and refunds booked of each order; what persons booked beside it is not invoiced.
_BOOKED = f"""
  SELECT t.order_id,
         coalesce(sum(CASE e.side WHEN 'C' THEN e.amount ELSE -e.amount END)
           FILTER (WHERE e.account <> 'L:vat:output'), 0) AS net,
         coalesce(sum(CASE e.side WHEN 'C' THEN e.amount ELSE -e.amount END)
           FILTER (WHERE e.account = 'L:vat:output'), 0) AS tax
  FROM ledger_tx t JOIN ledger_entry e USING (seq)
  WHERE e.account IN ('R:service', 'R:commission', 'L:vat:output') AND t.order_id IS NOT NULL AND t.order_id $moved
    AND t.kind NOT IN ('rounding', 'reclassification', 'reversal')
    AND NOT (starts_with(t.idem_key, 'refund:') AND NOT EXISTS (
      SELECT FROM ({_COPY}) AS c
      WHERE c.order_id = t.order_id AND c.refund_id::text = split_part(t.idem_key, ':', 2)))
  GROUP BY t.order_id"""

# Of each accepted order and refund what of it is taxed by the company, by what was frozen and not by the ledger.
_MODE = """
  SELECT o.order_id, o.number, o.currency, o.accepted_at, o.customer_id, o.provider_id, s.*,
         o.split_terms ->> 'commission_rate_bps' IS NOT NULL AS agent, f.fee_tax_bps
  FROM contracted_order o CROSS JOIN LATERAL jsonb_to_record(o.split) AS s
    (net bigint, tax bigint, fee bigint, provider_net bigint, provider_tax bigint)
  LEFT JOIN (SELECT order_id, max(fee_tax_bps) AS fee_tax_bps FROM funding GROUP BY order_id) AS f USING (order_id)
  WHERE o.accepted_at IS NOT NULL AND o.order_id $moved"""
_TAXED = f"""
  SELECT m.order_id, m.number, m.currency, m.accepted_at,
         CASE WHEN fee_tax_bps IS NULL AND NOT agent THEN customer_id ELSE provider_id END AS buyer_id,
         CASE WHEN fee_tax_bps IS NOT NULL THEN fee WHEN agent THEN net - provider_net ELSE net END AS net,
         CASE WHEN fee_tax_bps IS NOT NULL THEN (fee * fee_tax_bps + 5000) / 10000
              WHEN agent THEN tax - provider_tax ELSE tax END AS tax,
         fee_tax_bps IS NOT NULL AS internal, agent
  FROM ({_MODE}) AS m"""
_TAKEN = f"""
  SELECT r.refund_id, r.order_id, r.state, r.agreed_at, x.number, x.currency, x.internal,
         CASE WHEN x.internal THEN (r.takes ->> 'fee')::bigint
              WHEN x.agent THEN (r.takes ->> 'net')::bigint - (r.takes ->> 'provider_net')::bigint
              ELSE r.net END AS net,
         CASE WHEN x.internal THEN NULL
              WHEN x.agent THEN (r.takes ->> 'tax')::bigint - (r.takes ->> 'provider_tax')::bigint
              ELSE r.tax END AS tax
  FROM refund r JOIN ({_TAXED}) AS x USING (order_id)
  WHERE r.performed AND r.agreed_at IS NOT NULL AND r.takes IS NOT NULL"""

RED_LETTERS_AWAITED = bounded(f"""
SELECT t.refund_id, r.number AS refund_number, t.order_id, t.number AS order_number, t.net, t.currency, t.agreed_at,
       r.state = 'awaiting_red_letter' AS money_waits
FROM ({_TAKEN}) AS t JOIN refund r USING (refund_id)
WHERE t.net > 0 AND EXISTS (SELECT FROM invoice_copy b WHERE b.order_id = t.order_id AND b.kind = 'blue')
  AND NOT EXISTS (SELECT FROM ({_COPY}) AS c WHERE c.refund_id = t.refund_id)
ORDER BY t.agreed_at, t.refund_id LIMIT 200
""")

_VAT = "I15 the output VAT of each month is that of its invoices and of what is not invoiced"
OF_MONTHS = {_VAT}
"""Checks that mean nothing of a few orders."""

TAX_CHECKS: dict[str, str] = {
    "I12 what is invoiced of an order is what the ledger recognised of it": f"""
        SELECT format('%s: invoiced %s and %s tax, booked %s and %s', p.numbers, p.net, p.tax, coalesce(b.net, 0),
                      coalesce(b.tax, 0))
        FROM (SELECT order_id, sum(net) AS net, sum(tax) AS tax, string_agg(number, ', ' ORDER BY number) AS numbers
              FROM ({_COPY}) AS c WHERE kind <> 'reduction' AND order_id $moved
              GROUP BY order_id HAVING bool_or(kind = 'blue')) AS p
        LEFT JOIN ({_BOOKED}) AS b USING (order_id)
        WHERE (p.net, p.tax) IS DISTINCT FROM (coalesce(b.net, 0), coalesce(b.tax, 0)) LIMIT 100""",
    _VAT: f"""
        WITH moved AS (
          SELECT t.transaction_id, t.idem_key, e.currency,
                 CASE WHEN starts_with(t.idem_key, 'refund:') THEN split_part(t.idem_key, ':', 2) END AS refund_id,
                 to_char(t.effective_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM') AS month,
                 sum(CASE e.side WHEN 'C' THEN e.amount ELSE -e.amount END) AS tax
          FROM ledger_entry e JOIN ledger_tx t USING (seq)
          WHERE e.account = 'L:vat:output' AND t.kind <> 'vat_month_end' GROUP BY 1, 2, 3, 4, 5),
        -- What is invoiced in a later month than it is recognised was declared without an invoice in its own.
        due AS (
          SELECT coalesce(m.month, to_char(x.accepted_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM')) AS month, x.currency,
                 coalesce(c.tax - l.tax, 0) AS invoiced, CASE WHEN c.tax IS NULL THEN x.tax ELSE 0 END AS uninvoiced,
                 0 AS hand
          FROM ({_TAXED}) AS x LEFT JOIN invoice_copy c ON c.order_id = x.order_id AND c.kind = 'blue'
            AND c.refund_id IS NULL
          CROSS JOIN LATERAL (SELECT coalesce(sum(tax), 0) AS tax FROM invoice_copy
                              WHERE order_id = x.order_id AND kind = 'reduction') AS l
          LEFT JOIN moved m ON m.idem_key = format('accept:%s', x.order_id) AND m.currency = x.currency
          UNION ALL
          SELECT coalesce(m.month, to_char(t.agreed_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM')), t.currency,
                 coalesce(c.tax, 0),
                 -- The tax on an internal order's fee is of what is left: until its red letter says it, as booked.
                 CASE WHEN c.tax IS NOT NULL OR t.state = 'awaiting_red_letter' THEN 0
                      ELSE coalesce(-t.tax, m.tax, 0) END, 0
          FROM ({_TAKEN}) AS t LEFT JOIN ({_OF_REFUND}) AS c USING (refund_id)
          LEFT JOIN moved m ON m.refund_id = t.refund_id::text AND m.currency = t.currency
          UNION ALL
          SELECT m.month, m.currency, 0, 0, m.tax FROM moved m JOIN adjustment a USING (transaction_id)
          WHERE a.state = 'approved'),
        sums AS (
          SELECT month, currency, sum(invoiced) AS invoiced, sum(uninvoiced) AS uninvoiced, sum(hand) AS hand
          FROM due GROUP BY 1, 2)
        SELECT format('%s in %s: the ledger has %s; invoices and red letters %s, not invoiced %s, by hand %s', month,
                      currency, coalesce(b.tax, 0), coalesce(invoiced, 0), coalesce(uninvoiced, 0), coalesce(hand, 0))
        FROM (SELECT month, currency, sum(tax) AS tax FROM moved GROUP BY 1, 2) AS b
        FULL JOIN sums USING (month, currency)
        WHERE coalesce(b.tax, 0) <> coalesce(invoiced + uninvoiced + hand, 0) LIMIT 100""",
    "I16 what is invoiced and taken back of an order is what is left of it": f"""
        WITH taken AS (
          SELECT t.order_id, sum(t.net) AS net, sum(t.tax) AS tax FROM ({_TAKEN}) AS t
          WHERE EXISTS (SELECT FROM ({_COPY}) AS c WHERE c.refund_id = t.refund_id) GROUP BY t.order_id),
        said AS (
          SELECT order_id, sum(net) AS net, sum(tax) AS tax, array_agg(DISTINCT buyer_id) AS buyers
          FROM ({_COPY}) AS c WHERE kind <> 'reduction' AND order_id $moved
          GROUP BY order_id HAVING bool_or(kind = 'blue'))
        SELECT format('%s: invoiced %s and %s tax, left %s and %s', coalesce(x.number, p.order_id::text), p.net, p.tax,
                      x.net - coalesce(t.net, 0), x.tax - coalesce(t.tax, 0))
        FROM said p LEFT JOIN ({_TAXED}) AS x USING (order_id) LEFT JOIN taken t USING (order_id)
        WHERE x.net IS NULL OR p.buyers <> ARRAY[x.buyer_id] OR p.net <> x.net - coalesce(t.net, 0)
          OR (NOT x.internal AND p.tax <> x.tax - coalesce(t.tax, 0)) LIMIT 100""",
    "I16 a red letter says what its refund takes back": f"""
        SELECT format('%s %s: %s and %s tax, the refund %s and %s', c.kind, c.number, c.net, c.tax, t.net, t.tax)
        FROM ({_OF_REFUND}) AS c LEFT JOIN ({_TAKEN}) AS t USING (refund_id)
        WHERE c.order_id $moved AND (t.net IS NULL OR t.state IN ('requested', 'awaiting_red_letter', 'cancelled')
          OR c.order_id <> t.order_id OR -c.net <> t.net OR -c.tax <> coalesce(t.tax, -c.tax)) LIMIT 100""",
}
