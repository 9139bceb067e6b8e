"""
What orders have brought in and cost, as SQL over `wanted (order_id, currency, part, discount)`; one definition for
pages and totals: `part` is what the figures are of, each order or all in one currency.

Figures are sums of entries, credit less debit, by the order of their transaction. Three things stand in transactions
of several orders and are divided by what divided them: a statement's input VAT and its payout by its lines, and a
line of the bank that pays several orders by its parts.
"""

FIGURES = (
    "sell", "commission", "cancellation_fee", "buy", "station", "psp_fees", "dispute_fees", "voucher_losses",
    "bad_debt", "other", "margin", "company_discount", "vat_output", "vat_input_pending", "vat_input_confirmed",
    "vat_input_awaited", "vat_due", "cash_in", "cash_out", "held", "held_elsewhere", "unpaid", "asked",
)  # fmt: skip

_ACCOUNTS = {
    "sell": "R:service",
    "commission": "R:commission",
    "cancellation_fee": "R:cancellation_fee",
    "buy": "E:provider_service",
    "station": "E:station_share",
    "psp_fees": "E:psp_fee",
    "dispute_fees": "E:dispute_fee",
    "voucher_losses": "E:voucher_loss",
    "bad_debt": "E:bad_debt",
    "vat_output": "L:vat:output",
    "vat_input_pending": "A:vat:input_pending",
    "vat_input_confirmed": "A:vat:input",
}
_OF_ACCOUNTS = ",\n".join(
    f"coalesce(sum({'' if account[0] in 'LR' else '-'}b.moved) FILTER (WHERE b.account = '{account}'), 0) AS {name}"
    for name, account in _ACCOUNTS.items()
)
_NAMED = ", ".join(f"'{account}'" for account in _ACCOUNTS.values() if account[0] in "RE")
_VAT = ", ".join(f"'{account}'" for account in _ACCOUNTS.values() if account[0] in "LA")
_SUMMED = f"(starts_with(e.account, 'R:') OR starts_with(e.account, 'E:') OR e.account IN ({_VAT}))"
_MOVED = "CASE e.side WHEN 'C' THEN e.amount ELSE -e.amount END"

# Money we have or that is a customer's credit with us, or not yet said whose: what an order gets, it gets from here.
_CASH = (
    "(e.account IN ('A:bank:main', 'L:suspense:bank') OR starts_with(e.account, 'A:psp:')"
    " OR starts_with(e.account, 'L:customer_credit:'))"
)

OF_ORDERS = f"""
moved AS (
  -- Cash by transaction, the rest by account.
  SELECT e.part, CASE WHEN e.is_cash THEN e.seq END AS seq, CASE WHEN NOT e.is_cash THEN e.account END AS account,
         e.back, sum(e.moved) AS moved
  FROM (
    SELECT w.part, t.seq, e.account, t.reverses_id IS NOT NULL AS back, {_CASH} AS is_cash, {_MOVED} AS moved
    FROM wanted w JOIN ledger_tx t ON t.order_id = w.order_id
    JOIN ledger_entry e ON e.seq = t.seq AND e.currency = w.currency WHERE {_SUMMED} OR {_CASH}
  ) AS e GROUP BY 1, 2, 3, 4
), booked AS (
  SELECT b.part,
{_OF_ACCOUNTS},
    coalesce(-sum(b.moved) FILTER (WHERE left(b.account, 1) IN ('R', 'E') AND b.account NOT IN ({_NAMED})), 0) AS other,
    coalesce(sum(b.moved) FILTER (WHERE left(b.account, 1) IN ('R', 'E')), 0) AS margin
  FROM moved b WHERE b.seq IS NULL GROUP BY b.part
), cash AS (
  SELECT c.part,
    -- What is taken back was not paid in, or out: it has not gone the other way.
    coalesce(-sum(c.moved) FILTER (WHERE (c.moved < 0) <> c.back), 0) AS came,
    coalesce(sum(c.moved) FILTER (WHERE (c.moved < 0) = c.back), 0) AS went
  FROM moved c WHERE c.seq IS NOT NULL GROUP BY c.part
), stated AS (
  SELECT w.part,
    coalesce(sum(a.tax) FILTER (WHERE s.received_invoice_id IS NOT NULL), 0) AS tax,
    coalesce(sum(a.tax) FILTER (WHERE v.state IN ('confirmed', 'transferred_out')), 0) AS tax_confirmed,
    coalesce(sum(a.tax) FILTER (WHERE s.received_invoice_id IS NULL), 0) AS tax_awaited,
    coalesce(sum(a.net + a.tax) FILTER (WHERE s.state = 'paid'), 0) AS paid_out,
    coalesce(sum(a.net) FILTER (WHERE s.received_invoice_id IS NULL AND a.kind <> 'cancellation_fee'
      AND a.party_kind = 'provider'), 0) > 0
      AS provider_missing,
    coalesce(sum(a.net) FILTER (WHERE s.received_invoice_id IS NULL AND a.kind <> 'cancellation_fee'
      AND a.party_kind = 'station'), 0) > 0
      AS station_missing
  FROM wanted w JOIN accrual a ON a.order_id = w.order_id LEFT JOIN settlement s ON s.settlement_id = a.settlement_id
  LEFT JOIN input_vat v ON v.settlement_id = s.settlement_id
  GROUP BY w.part
), kept AS (
  SELECT w.part, sum((k ->> 'amount')::bigint) AS amount
  FROM settlement s CROSS JOIN jsonb_array_elements(s.kept) AS k
  JOIN clawback c ON c.clawback_id = (k ->> 'clawback_id')::uuid JOIN wanted w ON w.order_id = c.order_id
  WHERE s.state = 'paid' AND s.kept <> '[]' GROUP BY w.part
), shared AS (
  SELECT w.part, sum((piece ->> 'amount')::bigint) AS amount
  FROM bank_line l JOIN ledger_tx t ON t.idem_key = l.booked_key AND t.order_id IS NULL
  CROSS JOIN jsonb_array_elements(l.parts) AS piece
  JOIN payment p ON piece ->> 'kind' = 'payment' AND p.payment_id = (piece ->> 'target_id')::uuid
  JOIN wanted w ON w.order_id = p.order_id
  WHERE jsonb_array_length(l.parts) > 1 GROUP BY w.part
), refunded AS (
  SELECT w.part, sum((r.takes ->> 'discount')::bigint) AS discount
  FROM wanted w JOIN refund r ON r.order_id = w.order_id
  WHERE r.performed AND r.agreed_at IS NOT NULL AND r.takes IS NOT NULL GROUP BY w.part
), owed AS (
  SELECT w.part, sum(r.amount - r.paid - r.written_off) AS unpaid, min(r.due_on) AS due_on
  FROM wanted w JOIN receivable r ON r.order_id = w.order_id WHERE r.state IN ('uninvoiced', 'open') GROUP BY w.part
), waited_for AS (
  SELECT w.part, sum(p.amount - p.received) AS asked
  FROM wanted w JOIN payment p ON p.order_id = w.order_id
  WHERE p.receivable_id IS NULL AND p.state IN ('created', 'pending', 'failed') GROUP BY w.part
), held AS (
  SELECT a.part, coalesce(sum(b.posted_c - b.posted_d) FILTER (WHERE a.ours), 0) AS held,
         coalesce(sum(b.posted_c - b.posted_d) FILTER (WHERE NOT a.ours), 0) AS held_elsewhere
  FROM (
    SELECT part, currency, 'L:contract:' || order_id AS account, true AS ours FROM wanted
    UNION ALL SELECT part, currency, 'M:order:' || order_id, false FROM wanted
  ) AS a JOIN account_balance b USING (account, currency)
  WHERE b.posted_c <> b.posted_d GROUP BY a.part
), figures AS (
  SELECT part, w.currency,
    coalesce(b.sell, 0) AS sell, coalesce(b.commission, 0) AS commission,
    coalesce(b.cancellation_fee, 0) AS cancellation_fee, coalesce(b.buy, 0) AS buy, coalesce(b.station, 0) AS station,
    coalesce(b.psp_fees, 0) AS psp_fees, coalesce(b.dispute_fees, 0) AS dispute_fees,
    coalesce(b.voucher_losses, 0) AS voucher_losses, coalesce(b.bad_debt, 0) AS bad_debt,
    coalesce(b.other, 0) AS other, coalesce(b.margin, 0) AS margin,
    w.discount - coalesce(r.discount, 0) AS company_discount,
    coalesce(b.vat_output, 0) AS vat_output,
    coalesce(b.vat_input_pending, 0) + coalesce(s.tax - s.tax_confirmed, 0) AS vat_input_pending,
    coalesce(b.vat_input_confirmed, 0) + coalesce(s.tax_confirmed, 0) AS vat_input_confirmed,
    coalesce(s.tax_awaited, 0) AS vat_input_awaited,
    coalesce(b.vat_output - b.vat_input_pending - b.vat_input_confirmed, 0) - coalesce(s.tax, 0) AS vat_due,
    coalesce(c.came, 0) + coalesce(sh.amount, 0) + coalesce(k.amount, 0) AS cash_in,
    coalesce(c.went, 0) + coalesce(s.paid_out, 0) AS cash_out,
    coalesce(h.held, 0) AS held, coalesce(h.held_elsewhere, 0) AS held_elsewhere,
    coalesce(o.unpaid, 0) AS unpaid, coalesce(p.asked, 0) AS asked,
    o.due_on, coalesce(s.provider_missing, false) AS provider_missing,
    coalesce(s.station_missing, false) AS station_missing
  FROM (SELECT part, currency, sum(discount) AS discount FROM wanted GROUP BY part, currency) AS w
  LEFT JOIN booked b USING (part) LEFT JOIN cash c USING (part) LEFT JOIN stated s USING (part)
  LEFT JOIN kept k USING (part) LEFT JOIN shared sh USING (part) LEFT JOIN refunded r USING (part)
  LEFT JOIN owed o USING (part) LEFT JOIN waited_for p USING (part) LEFT JOIN held h USING (part)
)
"""

APART = f"""
SELECT e.account, t.kind, e.currency, sum({_MOVED})::bigint AS amount
FROM ledger_entry e JOIN ledger_tx t ON t.seq = e.seq
WHERE {_SUMMED} AND t.kind <> 'received_invoice'
  AND NOT EXISTS (SELECT FROM contracted_order o WHERE o.order_id = t.order_id AND o.currency = e.currency)
  AND NOT EXISTS (
    SELECT FROM input_vat v WHERE t.kind = 'input_vat_confirmed' AND v.settlement_id IS NOT NULL
      AND t.idem_key = 'input_vat:' || v.received_invoice_id || '\\:confirmed')
  AND (CAST(:since AS timestamptz) IS NULL OR e.effective_at >= :since)
  AND (CAST(:until AS timestamptz) IS NULL OR e.effective_at < :until)
GROUP BY e.account, t.kind, e.currency HAVING sum({_MOVED}) <> 0
ORDER BY e.account, t.kind, e.currency
"""
