"""
What must always hold of the money, as SQL: each statement yields one sentence per violation, at most a hundred.

Each reads one snapshot (a statement is atomic), so that postings beside it never look like violations.
"""

CHECKS: dict[str, str] = {
    "I1 all entries sum to zero": """
        SELECT format('%s: debits less credits are %s', currency, sum(CASE side WHEN 'D' THEN amount ELSE -amount END))
        FROM ledger_entry GROUP BY currency
        HAVING sum(CASE side WHEN 'D' THEN amount ELSE -amount END) <> 0 LIMIT 100""",
    "I2 each transaction balances": """
        SELECT format('%s in %s', t.idem_key, e.currency)
        FROM ledger_tx t LEFT JOIN ledger_entry e USING (transaction_id)
        GROUP BY t.transaction_id, e.currency
        HAVING coalesce(sum(CASE e.side WHEN 'D' THEN e.amount ELSE -e.amount END), 1) <> 0 LIMIT 100""",
    "I3 balances are the sums of entries": """
        SELECT format('%s %s', account, currency)
        FROM (SELECT account, currency, sum(amount) FILTER (WHERE side = 'D') AS d,
                     sum(amount) FILTER (WHERE side = 'C') AS c
              FROM ledger_entry GROUP BY account, currency) AS e
        FULL JOIN (SELECT account, currency, sum(posted_d) AS d, sum(posted_c) AS c
                   FROM account_balance GROUP BY account, currency) AS b USING (account, currency)
        WHERE coalesce(e.d, 0) <> coalesce(b.d, 0) OR coalesce(e.c, 0) <> coalesce(b.c, 0) LIMIT 100""",
    "I4 contract liabilities are never negative": """
        SELECT format('%s holds %s', account, sum(posted_c - posted_d)) FROM account_balance
        WHERE account LIKE 'L:contract:%' GROUP BY account, currency HAVING sum(posted_c - posted_d) < 0 LIMIT 100""",
    "I4 contract liabilities of accepted orders are zero": """
        SELECT format('%s holds %s', o.number, b.posted_c - b.posted_d)
        FROM contracted_order o JOIN account_balance b ON b.account = 'L:contract:' || o.order_id
        WHERE o.accepted_at IS NOT NULL AND b.posted_c <> b.posted_d LIMIT 100""",
    "I5 the split of each accepted order sums up": """
        SELECT o.number FROM contracted_order o, jsonb_to_record(o.split) AS s
          (net bigint, tax bigint, station_share bigint, provider_net bigint, kept bigint, provider_tax bigint,
           station_tax bigint)
        WHERE o.accepted_at IS NOT NULL AND NOT coalesce(
          s.net = o.net AND s.tax = o.tax AND s.provider_net + s.station_share + s.kept = s.net
          AND s.provider_net >= 0 AND s.station_share >= 0 AND s.provider_tax >= 0 AND s.station_tax >= 0, false)
        LIMIT 100""",
    "I5 the ledger books the split of each accepted order": """
        SELECT o.number
        FROM contracted_order o CROSS JOIN LATERAL jsonb_to_record(o.split) AS s
          (station_share bigint, provider_net bigint)
        LEFT JOIN ledger_tx t ON t.idem_key = 'accept:' || o.order_id
        LEFT JOIN ledger_entry e USING (transaction_id)
        WHERE o.accepted_at IS NOT NULL AND o.gross > 0
        GROUP BY o.order_id, s.station_share, s.provider_net
        HAVING NOT (
          coalesce(sum(e.amount) FILTER (WHERE e.account = 'R:service'), 0) = o.net
          AND coalesce(sum(e.amount) FILTER (WHERE e.account = 'L:vat:output'), 0) = o.tax
          AND coalesce(sum(e.amount) FILTER (WHERE e.account = 'E:provider_service'), 0) = s.provider_net
          AND coalesce(sum(e.amount) FILTER (WHERE e.account = 'E:station_share'), 0) = s.station_share)
        LIMIT 100""",
    "I8 payouts pay exactly their settlement": """
        SELECT p.number FROM payout p JOIN settlement s USING (settlement_id)
        WHERE p.state IN ('created', 'released', 'in_transit', 'paid') AND p.amount <> s.net + s.tax
                - (SELECT coalesce(sum((k ->> 'amount')::bigint), 0) FROM jsonb_array_elements(s.kept) k)
           OR s.net <> (SELECT sum(a.net) FROM accrual a WHERE a.settlement_id = s.settlement_id)
           OR s.tax <> (SELECT sum(a.tax) FROM accrual a WHERE a.settlement_id = s.settlement_id) LIMIT 100""",
    "I8 parties owe what is left of their claw-backs": """
        SELECT format('%s %s', coalesce(b.account, c.account), coalesce(b.currency, c.currency))
        FROM (SELECT account, currency, sum(posted_d - posted_c) AS owed FROM account_balance
              WHERE account LIKE 'A:ar:provider:%' OR account LIKE 'A:ar:station:%' GROUP BY account, currency) AS b
        FULL JOIN (SELECT format('A:ar:%s:%s', party_kind, party_id) AS account, currency, sum("left") AS owed
                   FROM clawback GROUP BY 1, 2) AS c USING (account, currency)
        WHERE coalesce(b.owed, 0) <> coalesce(c.owed, 0) LIMIT 100""",
    "I8 bank orders order what their payouts sum to": """
        SELECT o.number FROM bank_order o LEFT JOIN payout p USING (bank_order_id)
        GROUP BY o.bank_order_id HAVING coalesce(sum(p.amount), 0) <> o.total OR count(p.payout_id) <> o.count
        LIMIT 100""",
    "I8 a settlement names the one payout that pays it": """
        SELECT s.number FROM settlement s LEFT JOIN payout p
          ON p.settlement_id = s.settlement_id AND p.state IN ('created', 'released', 'in_transit', 'paid')
        GROUP BY s.settlement_id
        HAVING count(p.payout_id) > 1 OR max(p.payout_id::text) IS DISTINCT FROM s.payout_id::text
          OR (s.state = 'paid' AND s.payout_id IS NOT NULL) <> coalesce(bool_or(p.state = 'paid'), false)
        LIMIT 100""",
    "I8 transit accounts hold what is under way": """
        SELECT format('%s holds %s', p.number, coalesce(b.posted_c - b.posted_d, 0))
        FROM payout p LEFT JOIN account_balance b
          ON b.account = 'L:payout_transit:' || p.payout_id AND b.currency = p.currency
        WHERE coalesce(b.posted_c - b.posted_d, 0) <> CASE p.state WHEN 'in_transit' THEN p.amount ELSE 0 END
        LIMIT 100""",
    "I10 each transaction is announced once": """
        WITH told AS (
          SELECT (convert_from(body, 'UTF8')::json #>> '{data,transaction,transaction_id}')::uuid AS transaction_id
          FROM event_log WHERE type = 'ledger.posted.v1'
          UNION ALL
          SELECT (data::json #>> '{transaction,transaction_id}')::uuid FROM outbox WHERE type = 'ledger.posted.v1')
        SELECT format('%s is announced %s times', coalesce(t.idem_key, n.transaction_id::text), coalesce(n.times, 0))
        FROM ledger_tx t
        FULL JOIN (SELECT transaction_id, count(*) AS times FROM told GROUP BY transaction_id) AS n
          USING (transaction_id)
        WHERE t.idem_key IS NULL OR n.times IS DISTINCT FROM 1 LIMIT 100""",
    "I11 no stored webhook stays unhandled": """
        SELECT format('%s (%s)', event_id, kind) FROM stripe_event
        WHERE handled_at IS NULL AND sweeps > 5 LIMIT 100""",
    "I13 no payout without a matched invoice": """
        SELECT p.number FROM payout p JOIN settlement s USING (settlement_id)
        WHERE p.state <> 'cancelled' AND s.received_invoice_id IS NULL LIMIT 100""",
}
