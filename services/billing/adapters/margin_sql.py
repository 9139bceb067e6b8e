"""
What an order has brought in and cost, as SQL over `wanted (order_id, currency)`; one definition for pages and totals.

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
    f"sum({'' if account[0] in 'LR' else '-'}e.moved) FILTER (WHERE e.account = '{account}') AS {name}"
    for name, account in _ACCOUNTS.items()
)
_NAMED = ", ".join(f"'{account}'" for account in _ACCOUNTS.values() if account[0] in "RE")
_SUMMED = ", ".join(f"coalesce(sum(b.{name}), 0) AS {name}" for name in (*_ACCOUNTS, "other", "margin"))

# Money we have or that is a customer's credit with us, or not yet said whose: what an order gets, it gets from here.
_CASH = (
    "(e.account IN ('A:bank:main', 'L:suspense:bank') OR starts_with(e.account, 'A:psp:')"
    " OR starts_with(e.account, 'L:customer_credit:'))"
)

OF_ORDERS = f"""
by_transaction AS (
  SELECT e.order_id, e.back,
{_OF_ACCOUNTS},
    -sum(e.moved) FILTER (WHERE left(e.account, 1) IN ('R', 'E') AND e.account NOT IN ({_NAMED})) AS other,
    sum(e.moved) FILTER (WHERE left(e.account, 1) IN ('R', 'E')) AS margin,
    coalesce(-sum(e.moved) FILTER (WHERE {_CASH}), 0) AS cash
  FROM (
    SELECT t.order_id, t.seq, t.reverses_id IS NOT NULL AS back, e.account,
           CASE e.side WHEN 'C' THEN e.amount ELSE -e.amount END AS moved
    FROM wanted w JOIN ledger_tx t ON t.order_id = w.order_id
    JOIN ledger_entry e ON e.seq = t.seq AND e.currency = w.currency
  ) AS e GROUP BY e.order_id, e.seq, e.back
), booked AS (
  SELECT b.order_id, {_SUMMED},
    -- What is taken back was not paid in, or out: it has not gone the other way.
    coalesce(sum(b.cash) FILTER (WHERE (b.cash > 0) <> b.back), 0) AS cash_in,
    coalesce(-sum(b.cash) FILTER (WHERE (b.cash > 0) = b.back), 0) AS cash_out
  FROM by_transaction b GROUP BY b.order_id
), stated AS (
  SELECT a.order_id,
    coalesce(sum(a.tax) FILTER (WHERE s.received_invoice_id IS NOT NULL), 0) AS tax,
    coalesce(sum(a.tax) FILTER (WHERE v.state IN ('confirmed', 'transferred_out')), 0) AS tax_confirmed,
    coalesce(sum(a.tax) FILTER (WHERE s.received_invoice_id IS NULL), 0) AS tax_awaited,
    coalesce(sum(a.net + a.tax) FILTER (WHERE s.state = 'paid'), 0) AS paid_out,
    coalesce(sum(a.net) FILTER (WHERE s.received_invoice_id IS NULL AND a.party_kind = 'provider'), 0) > 0
      AS provider_missing,
    coalesce(sum(a.net) FILTER (WHERE s.received_invoice_id IS NULL AND a.party_kind = 'station'), 0) > 0
      AS station_missing
  FROM wanted w JOIN accrual a ON a.order_id = w.order_id LEFT JOIN settlement s ON s.settlement_id = a.settlement_id
  LEFT JOIN input_vat v ON v.settlement_id = s.settlement_id
  GROUP BY a.order_id
), kept AS (
  SELECT c.order_id, sum((k ->> 'amount')::bigint) AS amount
  FROM settlement s CROSS JOIN jsonb_array_elements(s.kept) AS k
  JOIN clawback c ON c.clawback_id = (k ->> 'clawback_id')::uuid JOIN wanted w ON w.order_id = c.order_id
  WHERE s.state = 'paid' AND s.kept <> '[]' GROUP BY c.order_id
), shared AS (
  SELECT p.order_id, sum((piece ->> 'amount')::bigint) AS amount
  FROM bank_line l JOIN ledger_tx t ON t.idem_key = l.booked_key AND t.order_id IS NULL
  CROSS JOIN jsonb_array_elements(l.parts) AS piece
  JOIN payment p ON piece ->> 'kind' = 'payment' AND p.payment_id = (piece ->> 'target_id')::uuid
  JOIN wanted w ON w.order_id = p.order_id
  WHERE jsonb_array_length(l.parts) > 1 GROUP BY p.order_id
), refunded AS (
  SELECT r.order_id, sum((r.takes ->> 'discount')::bigint) AS discount
  FROM wanted w JOIN refund r ON r.order_id = w.order_id
  WHERE r.performed AND r.agreed_at IS NOT NULL AND r.takes IS NOT NULL GROUP BY r.order_id
), owed AS (
  SELECT r.order_id, sum(r.amount - r.paid - r.written_off) AS unpaid, min(r.due_on) AS due_on
  FROM wanted w JOIN receivable r ON r.order_id = w.order_id WHERE r.state IN ('uninvoiced', 'open') GROUP BY r.order_id
), waited_for AS (
  SELECT p.order_id, sum(p.amount - p.received) AS asked
  FROM wanted w JOIN payment p ON p.order_id = w.order_id
  WHERE p.receivable_id IS NULL AND p.state IN ('created', 'pending', 'failed') GROUP BY p.order_id
), held AS (
  SELECT w.order_id, coalesce(sum(b.posted_c - b.posted_d) FILTER (WHERE left(b.account, 1) = 'L'), 0) AS held,
         coalesce(sum(b.posted_c - b.posted_d) FILTER (WHERE left(b.account, 1) = 'M'), 0) AS held_elsewhere
  FROM wanted w CROSS JOIN LATERAL (VALUES ('L:contract:' || w.order_id), ('M:order:' || w.order_id)) AS a (account)
  JOIN account_balance b ON b.account = a.account AND b.currency = w.currency GROUP BY w.order_id
), figures AS (
  SELECT w.order_id, w.currency,
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
    coalesce(b.cash_in, 0) + coalesce(sh.amount, 0) + coalesce(k.amount, 0) AS cash_in,
    coalesce(b.cash_out, 0) + coalesce(s.paid_out, 0) AS cash_out,
    coalesce(h.held, 0) AS held, coalesce(h.held_elsewhere, 0) AS held_elsewhere,
    coalesce(o.unpaid, 0) AS unpaid, coalesce(p.asked, 0) AS asked,
    o.due_on, coalesce(s.provider_missing, false) AS provider_missing,
    coalesce(s.station_missing, false) AS station_missing
  FROM wanted w
  LEFT JOIN booked b USING (order_id) LEFT JOIN stated s USING (order_id) LEFT JOIN kept k USING (order_id)
  LEFT JOIN shared sh USING (order_id) LEFT JOIN refunded r USING (order_id) LEFT JOIN owed o USING (order_id)
  LEFT JOIN waited_for p USING (order_id) LEFT JOIN held h USING (order_id)
)
"""

APART = """
SELECT e.account, t.kind, e.currency, sum(CASE e.side WHEN 'C' THEN e.amount ELSE -e.amount END)::bigint AS amount
FROM ledger_entry e JOIN ledger_tx t ON t.seq = e.seq
LEFT JOIN contracted_order o ON o.order_id = t.order_id AND o.currency = e.currency
LEFT JOIN input_vat v ON t.kind = 'input_vat_confirmed' AND v.settlement_id IS NOT NULL
  AND t.idem_key = 'input_vat:' || v.received_invoice_id || '\\:confirmed'
WHERE o.order_id IS NULL AND t.kind <> 'received_invoice' AND v.input_vat_id IS NULL
  AND (left(e.account, 2) IN ('R:', 'E:') OR e.account IN ('L:vat:output', 'A:vat:input_pending', 'A:vat:input'))
  AND (CAST(:since AS timestamptz) IS NULL OR e.effective_at >= :since)
  AND (CAST(:until AS timestamptz) IS NULL OR e.effective_at < :until)
GROUP BY e.account, t.kind, e.currency
HAVING sum(CASE e.side WHEN 'C' THEN e.amount ELSE -e.amount END) <> 0
ORDER BY e.account, t.kind, e.currency
"""
