"""What must always hold of money that a splitting channel holds for others; as the checks of `invariants.py`."""

CHANNEL_CHECKS: dict[str, str] = {
    "I14 no account of ours holds money of an order whose payee is the provider": """
        SELECT format('%s: %s holds %s', o.order_number, e.account,
                      sum(CASE e.side WHEN 'D' THEN 1 ELSE -1 END * e.amount))
        FROM channel_order o JOIN ledger_tx t USING (order_id) JOIN ledger_entry e USING (seq)
        WHERE o.order_id $moved AND (e.account IN ('A:bank:main', 'A:psp:stripe') OR e.account LIKE 'L:contract:%'
           OR e.account LIKE 'L:customer_credit:%')
        GROUP BY o.order_number, e.account
        -- What we advanced for a provider has left the bank: that is no money of the order.
        HAVING sum(CASE e.side WHEN 'D' THEN 1 ELSE -1 END * e.amount) > 0
            OR (e.account NOT LIKE 'A:bank:%' AND sum(CASE e.side WHEN 'D' THEN 1 ELSE -1 END * e.amount) <> 0)
        LIMIT 100""",
    "I14 our balance at the channel is commission, and no more": """
        SELECT format('%s: %s on our balance, %s split and not returned', o.order_number, coalesce(b.booked, 0),
                      coalesce(s.amount, 0) - coalesce(r.amount, 0))
        FROM channel_order o
        LEFT JOIN split_order s ON s.order_id = o.order_id AND s.state = 'finished'
        LEFT JOIN (SELECT order_id, sum(amount - netted) AS amount FROM split_return
                   WHERE state = 'success' GROUP BY order_id) AS r ON r.order_id = o.order_id
        LEFT JOIN (SELECT t.order_id, sum(CASE e.side WHEN 'D' THEN 1 ELSE -1 END * e.amount) AS booked
                   FROM ledger_tx t JOIN ledger_entry e USING (seq)
                   WHERE e.account = 'A:psp:channel' AND t.order_id $moved
                   GROUP BY t.order_id) AS b ON b.order_id = o.order_id
        -- What the channel cannot return was netted, all of it.
        WHERE o.order_id $moved AND coalesce(b.booked, 0) <> coalesce(s.amount, 0) - coalesce(r.amount, 0) LIMIT 100""",
    "I14 nothing is withdrawn from the channel but what is ours there": """
        SELECT format('in %s %s is ours and less', currency, sum(posted_d - posted_c)) FROM account_balance
        WHERE account = 'A:psp:channel' GROUP BY currency HAVING sum(posted_d - posted_c) < 0 LIMIT 100""",
    "I14 memo accounts balance among themselves": """
        SELECT t.idem_key FROM ledger_tx t JOIN ledger_entry e USING (seq) WHERE e.account LIKE 'M:%' AND seq > $after
        GROUP BY t.idem_key, e.currency
        HAVING sum(CASE e.side WHEN 'D' THEN e.amount ELSE -e.amount END) <> 0 LIMIT 100""",
    "I14 the channel holds for an order what was paid and is not settled": """
        SELECT format('%s (%s) holds %s', o.order_number, o.state, coalesce(b.held, 0))
        FROM channel_order o
        LEFT JOIN (SELECT account, currency, sum(posted_c - posted_d) AS held FROM account_balance
                   WHERE account LIKE 'M:order:%' GROUP BY account, currency) AS b
          ON b.account = 'M:order:' || o.order_id AND b.currency = o.currency
        LEFT JOIN split_order s ON s.order_id = o.order_id AND s.state = 'finished'
        WHERE coalesce(b.held, 0) NOT BETWEEN (o.state = 'paid')::int
                                      AND o.amount * (o.state IN ('paid', 'released'))::int
           -- Of what is split or released only what refunds under way take stays held.
           OR (b.held > 0 AND (o.state = 'released' OR s.state IS NOT NULL) AND b.held > (
             SELECT coalesce(sum((way ->> 'amount')::bigint), 0)
             FROM refund r CROSS JOIN jsonb_array_elements(r.parts) AS way
             WHERE r.order_id = o.order_id AND way ->> 'route' = 'platform_channel' AND way ->> 'state' = 'sent'))
        LIMIT 100""",
}
