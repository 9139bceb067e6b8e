"""
What must always hold of the money, as SQL: each statement yields one sentence per violation, at most a hundred.

Each reads one snapshot (a statement is atomic), so that postings beside it never look like violations. What `$after`
and the like stand for says `invariant_reach.py`.
"""

from collections.abc import Mapping

from services.billing.adapters.channel_invariants import CHANNEL_CHECKS
from services.billing.adapters.invariant_reach import Point, bounded
from services.billing.adapters.tax_invariants import OF_MONTHS, TAX_CHECKS

_BALANCES = "I3 balances are the sums of entries"
_CLOSED_MONTH = "I18 the last closed month stands as it was closed"
_INPUT_VAT = "I19 input VAT that is not confirmed is what papers and fees hold"

# What the last closed month kept, and what counts since: net, for that is what was kept.
_BALANCES_SINCE_CLOSE = """
        SELECT format('%s %s', account, currency)
        FROM (SELECT account, currency, sum(stands) AS stands FROM (
                SELECT account, currency, CASE side WHEN 'D' THEN amount ELSE -amount END AS stands
                FROM ledger_entry WHERE effective_at >= '$closed' AND NOT starts_with(account, 'M:')
                UNION ALL
                SELECT account, currency, stands FROM ledger_period_balance WHERE until = '$closed'
                UNION ALL
                -- Memo accounts are not kept.
                SELECT account, currency, CASE side WHEN 'D' THEN amount ELSE -amount END
                FROM ledger_entry WHERE account LIKE 'M:%') AS each
              GROUP BY account, currency) AS e
        FULL JOIN (SELECT account, currency, sum(posted_d - posted_c) AS stands
                   FROM account_balance GROUP BY account, currency) AS b USING (account, currency)
        WHERE coalesce(e.stands, 0) <> coalesce(b.stands, 0) LIMIT 100"""

CHECKS: dict[str, str] = {
    "I1 all entries sum to zero": """
        SELECT format('%s: debits less credits are %s', currency, sum(CASE side WHEN 'D' THEN amount ELSE -amount END))
        FROM ledger_entry WHERE seq > $after GROUP BY currency
        HAVING sum(CASE side WHEN 'D' THEN amount ELSE -amount END) <> 0 LIMIT 100""",
    "I2 each transaction balances": """
        SELECT format('%s in %s', t.idem_key, e.currency)
        FROM ledger_tx t LEFT JOIN (SELECT * FROM ledger_entry WHERE seq > $after) AS e USING (seq)
        WHERE seq > $after GROUP BY t.seq, t.idem_key, e.currency
        HAVING coalesce(sum(CASE e.side WHEN 'D' THEN e.amount ELSE -e.amount END), 1) <> 0 LIMIT 100""",
    _BALANCES: """
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
        WHERE o.accepted_at IS NOT NULL AND o.order_id $moved AND b.posted_c <> b.posted_d LIMIT 100""",
    "I4 what customers owe is the sum of their receivables": """
        SELECT format('%s in %s: the ledger says %s, the receivables %s', customer, currency, coalesce(booked, 0),
                      coalesce(open, 0))
        FROM (SELECT substr(account, length('A:ar:customer:') + 1) AS customer, currency,
                     sum(posted_d - posted_c) AS booked
              FROM account_balance WHERE account LIKE 'A:ar:customer:%' GROUP BY account, currency) AS b
        FULL JOIN (SELECT customer_id::text AS customer, currency, sum(amount - paid - written_off) AS open
                   FROM receivable GROUP BY customer_id, currency) AS r USING (customer, currency)
        WHERE coalesce(booked, 0) <> coalesce(open, 0) LIMIT 100""",
    "I5 the split of each accepted order sums up": """
        SELECT o.number FROM contracted_order o, jsonb_to_record(o.split) AS s
          (net bigint, tax bigint, station_share bigint, provider_net bigint, kept bigint, provider_tax bigint,
           station_tax bigint)
        CROSS JOIN LATERAL (
          SELECT coalesce(sum(net), 0) AS net, coalesce(sum(tax), 0) AS tax FROM refund
          WHERE order_id = o.order_id AND agreed_at IS NOT NULL AND NOT performed AND cause <> 'cancellation') AS r
        WHERE o.accepted_at IS NOT NULL AND o.order_id $moved AND NOT coalesce(
          s.net = o.net - r.net AND s.tax = o.tax - r.tax AND s.provider_net + s.station_share + s.kept = s.net
          AND s.provider_net >= 0 AND s.station_share >= 0 AND s.station_tax >= 0
          -- As agent it is T - T_c: below zero where the provider's rate is the lower one.
          AND (s.provider_tax >= 0 OR o.split_terms ->> 'commission_rate_bps' IS NOT NULL), false)
        LIMIT 100""",
    "I5 the ledger books the split of each accepted order": """
        SELECT o.number
        FROM contracted_order o CROSS JOIN LATERAL jsonb_to_record(o.split) AS s
          (net bigint, tax bigint, station_share bigint, provider_net bigint, provider_tax bigint)
        CROSS JOIN LATERAL (SELECT o.split_terms ->> 'commission_rate_bps' IS NOT NULL AS agent) AS m
        CROSS JOIN LATERAL (
          SELECT coalesce(sum(e.amount) FILTER (WHERE e.account = 'R:service'), 0) AS net,
                 coalesce(sum(e.amount) FILTER (WHERE e.account = 'R:commission'), 0) AS commission,
                 coalesce(sum(e.amount) FILTER (WHERE e.account = 'L:vat:output'), 0) AS tax,
                 coalesce(sum(e.amount) FILTER (WHERE e.account = 'E:provider_service'), 0) AS provider_net,
                 coalesce(sum(e.amount) FILTER (WHERE e.account = 'E:station_share'), 0) AS station_share
          FROM ledger_tx t JOIN ledger_entry e USING (seq) WHERE t.idem_key = 'accept:' || o.order_id) AS b
        WHERE o.accepted_at IS NOT NULL AND o.order_id $moved AND o.gross > 0
          AND NOT EXISTS (SELECT FROM funding WHERE order_id = o.order_id)
        AND NOT coalesce(
          b.net = CASE WHEN m.agent THEN 0 ELSE s.net END
          AND b.commission = CASE WHEN m.agent THEN s.net - s.provider_net ELSE 0 END
          AND b.tax = s.tax - CASE WHEN m.agent THEN s.provider_tax ELSE 0 END
          AND b.provider_net = CASE WHEN m.agent THEN 0 ELSE s.provider_net END
          AND b.station_share = s.station_share, false)
        LIMIT 100""",
    "I7 vouchers hold what their uses say, and no more than granted": """
        SELECT v.number FROM voucher v
        LEFT JOIN (SELECT voucher_id, sum(amount) FILTER (WHERE state = 'reserved') AS reserved,
                          sum(amount) FILTER (WHERE state IN ('used', 'claimed', 'redeemed')) AS spent
                   FROM voucher_use GROUP BY voucher_id) AS u USING (voucher_id)
        WHERE v.reserved <> coalesce(u.reserved, 0) OR v.spent <> coalesce(u.spent, 0)
           OR v.reserved + v.spent > v.granted LIMIT 100""",
    "I7 no order has two vouchers": """
        SELECT order_number FROM voucher_use WHERE state <> 'returned'
        GROUP BY order_id, order_number HAVING count(*) > 1 LIMIT 100""",
    "I7 programmes have promised what their uses say, and no more than their budget": """
        SELECT p.number FROM programme p
        LEFT JOIN (SELECT programme_id, sum(amount) AS promised FROM (
                     SELECT programme_id, amount FROM voucher_use WHERE state NOT IN ('returned', 'rejected')
                     UNION ALL SELECT programme_id, amount FROM subsidy WHERE state <> 'rejected') AS promises
                   GROUP BY programme_id) AS u USING (programme_id)
        WHERE p.committed <> coalesce(u.promised, 0) OR p.committed > p.budget LIMIT 100""",
    "I7 holders' years hold what their uses say": """
        SELECT format('%s %s %s', y.programme_id, y.holder_id, y.year) FROM programme_year y
        LEFT JOIN (SELECT programme_id, holder_id, year, sum(amount) AS promised FROM (
                     SELECT programme_id, holder_id, year, amount FROM voucher_use
                     WHERE state NOT IN ('returned', 'rejected')
                     UNION ALL SELECT programme_id, provider_id, year, amount FROM subsidy
                     WHERE state <> 'rejected') AS promises
                   GROUP BY programme_id, holder_id, year) AS u USING (programme_id, holder_id, year)
        WHERE y.committed <> coalesce(u.promised, 0) LIMIT 100""",
    "I7 subsidies count what their orders say": """
        SELECT s.number FROM subsidy s
        JOIN (SELECT subsidy_id, sum(net) AS net, sum(gross) AS gross FROM subsidy_order
              WHERE live GROUP BY subsidy_id) AS o USING (subsidy_id)
        WHERE (s.net, s.gross) <> (o.net, o.gross) LIMIT 100""",
    "I7 voucher funds hold what came in and is not spent": """
        SELECT format('%s holds %s', p.number, coalesce(b.held, 0)) FROM programme p
        LEFT JOIN (SELECT account, currency, sum(posted_c - posted_d) AS held FROM account_balance
                   WHERE account LIKE 'L:voucher_fund:%' GROUP BY account, currency) AS b
          ON b.account = 'L:voucher_fund:' || p.programme_id AND b.currency = p.currency
        LEFT JOIN (SELECT programme_id, sum(amount) AS spent FROM voucher_use
                   WHERE redeem_to = 'prefunded' AND state IN ('used', 'claimed', 'redeemed')
                   GROUP BY programme_id) AS u USING (programme_id)
        -- What a refund gives it back it has with the red letter.
        LEFT JOIN (SELECT programme_account, currency, sum(to_programme) AS awaited FROM refund
                   WHERE state = 'awaiting_red_letter' GROUP BY programme_account, currency) AS r
          ON r.programme_account = 'L:voucher_fund:' || p.programme_id AND r.currency = p.currency
        WHERE coalesce(b.held, 0) <> p.funded - coalesce(u.spent, 0) - coalesce(r.awaited, 0) LIMIT 100""",
    "I5 the ledger books what stands of each refunded order": """
        SELECT o.number
        FROM contracted_order o CROSS JOIN LATERAL jsonb_to_record(o.split) AS s
          (net bigint, tax bigint, station_share bigint, provider_net bigint, provider_tax bigint)
        CROSS JOIN LATERAL (SELECT o.split_terms ->> 'commission_rate_bps' IS NOT NULL AS agent) AS m
        CROSS JOIN LATERAL (
          SELECT count(*) AS refunds, coalesce(sum((takes ->> 'provider_net')::bigint), 0) AS provider_net,
                 coalesce(sum((takes ->> 'provider_tax')::bigint), 0) AS provider_tax,
                 coalesce(sum((takes ->> 'station_share')::bigint), 0) AS station_share,
                 coalesce(sum(net) FILTER (WHERE state <> 'awaiting_red_letter'), 0) AS net,
                 coalesce(sum(tax) FILTER (WHERE state <> 'awaiting_red_letter'), 0) AS tax
          FROM refund WHERE order_id = o.order_id AND agreed_at IS NOT NULL AND performed) AS r
        CROSS JOIN LATERAL (
          SELECT coalesce(sum(c) FILTER (WHERE account = 'R:service'), 0) AS net,
                 coalesce(sum(c) FILTER (WHERE account = 'R:commission'), 0) AS commission,
                 coalesce(sum(c) FILTER (WHERE account = 'L:vat:output'), 0) AS tax,
                 coalesce(sum(-c) FILTER (WHERE account = 'E:provider_service'), 0) AS provider_net,
                 coalesce(sum(-c) FILTER (WHERE account = 'E:station_share'), 0) AS station_share
          FROM (SELECT e.account, CASE e.side WHEN 'C' THEN e.amount ELSE -e.amount END AS c
                FROM ledger_tx t JOIN ledger_entry e USING (seq)
                -- What a person booked beside it, and took back, is no part of the split.
                WHERE t.order_id = o.order_id AND t.kind NOT IN ('rounding', 'reclassification', 'reversal')) AS e) AS b
        WHERE o.accepted_at IS NOT NULL AND o.order_id $moved AND r.refunds > 0
          AND NOT EXISTS (SELECT FROM funding WHERE order_id = o.order_id) AND NOT (
          CASE WHEN m.agent THEN b.net = 0 AND b.provider_net = 0
            AND b.commission = s.net - r.net - (s.provider_net - r.provider_net)
            AND b.tax = s.tax - r.tax - (s.provider_tax - r.provider_tax)
          ELSE b.net = s.net - r.net AND b.tax = s.tax - r.tax AND b.provider_net = s.provider_net - r.provider_net END
          AND b.station_share = s.station_share - r.station_share)
        LIMIT 100""",
    "I6 refunds of each payment stay within it": """
        SELECT format('payment %s: %s of %s', p.payment_id, p.refunded, p.received)
        FROM payment p LEFT JOIN LATERAL (
          SELECT sum((way ->> 'amount')::bigint) AS amount FROM refund r, jsonb_array_elements(r.parts) AS way
          WHERE r.order_id = p.order_id AND (way ->> 'payment_id')::uuid = p.payment_id) AS r ON true
        WHERE p.order_id $moved AND (p.refunded > p.received OR p.refunded <> coalesce(r.amount, 0)) LIMIT 100""",
    "I6 project funds set aside and transferred stay within their order": """
        SELECT format('%s: %s of %s', o.number, f.held, o.gross)
        FROM (SELECT order_id, sum(CASE WHEN state IN ('refused', 'released', 'lapsed') THEN 0
                                        WHEN executed > 0 THEN executed ELSE amount END) AS held,
                     sum(returned) AS returned
              FROM funding GROUP BY order_id) AS f JOIN contracted_order o USING (order_id)
        WHERE f.held > o.gross OR f.returned > f.held LIMIT 100""",
    "I14 memo accounts hold what projects paid, and no account of ours does": """
        SELECT format('%s: the ledger says %s, the reservations %s', o.number, coalesce(b.held, 0), f.paid)
        FROM (SELECT order_id, sum(executed - returned) AS paid FROM funding GROUP BY order_id) AS f
        JOIN contracted_order o USING (order_id)
        LEFT JOIN (SELECT account, sum(posted_c - posted_d) AS held FROM account_balance
                   WHERE account LIKE 'M:order:%' GROUP BY account) AS b ON b.account = 'M:order:' || o.order_id
        WHERE coalesce(b.held, 0) <> f.paid OR EXISTS (
          SELECT FROM account_balance c WHERE c.account = 'L:contract:' || o.order_id AND c.posted_c + c.posted_d > 0)
        LIMIT 100""",
    "I6 refund accounts hold what is under way": """
        SELECT format('%s holds %s', r.number, coalesce(b.posted_c - b.posted_d, 0))
        FROM refund r LEFT JOIN account_balance b
          ON b.account = 'L:refund:' || r.refund_id AND b.currency = r.currency
        WHERE coalesce(b.posted_c - b.posted_d, 0) <> CASE WHEN r.state IN ('pending', 'failed', 'succeeded') THEN
          (SELECT coalesce(sum((way ->> 'amount')::bigint), 0) FROM jsonb_array_elements(r.parts) AS way
           WHERE way ->> 'state' <> 'succeeded'
             AND way ->> 'route' NOT IN ('project_funds', 'direct_transfer')
             AND NOT coalesce((way ->> 'at_channel')::boolean, false)) ELSE 0 END
        LIMIT 100""",
    "I8 payouts pay exactly their settlement": """
        SELECT p.number FROM payout p JOIN settlement s USING (settlement_id)
        WHERE p.state IN ('created', 'released', 'in_transit', 'paid') AND p.amount <> s.net + s.tax
                - (SELECT coalesce(sum((k ->> 'amount')::bigint), 0) FROM jsonb_array_elements(s.kept) k)
           OR s.net <> (SELECT sum(a.net) FROM accrual a WHERE a.settlement_id = s.settlement_id)
           OR s.tax <> (SELECT sum(a.tax) FROM accrual a WHERE a.settlement_id = s.settlement_id) LIMIT 100""",
    "I8 parties owe what is left of their claw-backs, and commission until it is split": """
        SELECT format('%s %s', coalesce(b.account, c.account), coalesce(b.currency, c.currency))
        FROM (SELECT account, currency, sum(posted_d - posted_c) AS owed FROM account_balance
              WHERE account LIKE 'A:ar:provider:%' OR account LIKE 'A:ar:station:%' GROUP BY account, currency) AS b
        FULL JOIN (SELECT account, currency, sum(owed) AS owed FROM (
                     SELECT format('A:ar:%s:%s', party_kind, party_id) AS account, currency, "left" AS owed
                     FROM clawback
                     UNION ALL SELECT 'A:ar:provider:' || provider_id, currency, amount FROM split_order
                     WHERE state IN ('requested', 'processing')
                     UNION ALL SELECT 'A:ar:provider:' || provider_id, currency, netted - amount FROM split_return
                     WHERE state <> 'success') AS each
                   GROUP BY 1, 2) AS c USING (account, currency)
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
    "I8 credit that is paid back is under way once": """
        SELECT format('%s holds %s', p.number, coalesce(b.posted_c - b.posted_d, 0))
        FROM credit_payback p LEFT JOIN account_balance b
          ON b.account = 'L:credit_payback:' || p.credit_payback_id AND b.currency = p.currency
        WHERE coalesce(b.posted_c - b.posted_d, 0) <> CASE p.state WHEN 'ordered' THEN p.amount ELSE 0 END
        LIMIT 100""",
    "I8 transit accounts hold what is under way": """
        SELECT format('%s holds %s', p.number, coalesce(b.posted_c - b.posted_d, 0))
        FROM payout p LEFT JOIN account_balance b
          ON b.account = 'L:payout_transit:' || p.payout_id AND b.currency = p.currency
        WHERE coalesce(b.posted_c - b.posted_d, 0) <> CASE p.state WHEN 'in_transit' THEN p.amount ELSE 0 END
        LIMIT 100""",
    "I9 the institution's books agree with ours, and the splitting channel's": """
        SELECT format('%s %s: %s in %s', kind, reference, state, currency) FROM reconciliation_item
        WHERE source IN ('stripe', 'channel') AND resolved_at IS NULL AND overdue LIMIT 100""",
    "I10 each transaction is announced once": """
        WITH told AS (
          SELECT (convert_from(body, 'UTF8')::json #>> '{data,transaction,transaction_id}')::uuid AS transaction_id
          FROM event_log WHERE type = 'ledger.posted.v1' AND created_at >= '$announced'
          UNION ALL
          SELECT (data::json #>> '{transaction,transaction_id}')::uuid FROM outbox WHERE type = 'ledger.posted.v1'),
        counted AS (SELECT transaction_id, count(*) AS times FROM told GROUP BY transaction_id)
        SELECT format('%s is announced %s times', coalesce(t.idem_key, n.transaction_id::text), coalesce(n.times, 0))
        FROM (SELECT * FROM ledger_tx WHERE seq > $after) AS t FULL JOIN counted n USING (transaction_id)
        WHERE n.times IS DISTINCT FROM 1 OR (t.idem_key IS NULL AND NOT EXISTS (
          SELECT FROM ledger_tx WHERE transaction_id = n.transaction_id)) LIMIT 100""",
    "I11 no stored webhook stays unhandled": """
        SELECT format('%s (%s)', event_id, kind) FROM stripe_event
        WHERE handled_at IS NULL AND sweeps > 5 LIMIT 100""",
    "I13 no payout without a matched invoice": """
        SELECT p.number FROM payout p JOIN settlement s USING (settlement_id)
        WHERE p.state <> 'cancelled' AND s.received_invoice_id IS NULL AND s.invoice_awaited LIMIT 100""",
    _CLOSED_MONTH: """
        WITH month AS (SELECT until, lag(until) OVER (ORDER BY until) AS since FROM ledger_period
                       ORDER BY until DESC LIMIT 1),
             moved AS (
               SELECT account, currency, CASE side WHEN 'D' THEN amount ELSE -amount END AS stands
               FROM ledger_entry, month
               WHERE effective_at >= coalesce(since, '-infinity') AND effective_at < month.until
                 AND NOT starts_with(account, 'M:')
               UNION ALL
               SELECT account, currency, stands FROM ledger_period_balance b JOIN month ON b.until = since)
        SELECT format('%s in %s', account, currency)
        FROM (SELECT account, currency, sum(stands) AS stands FROM moved GROUP BY account, currency) AS computed
        FULL JOIN (SELECT account, currency, b.stands FROM ledger_period_balance b JOIN month USING (until)) AS kept
          USING (account, currency)
        WHERE coalesce(computed.stands, 0) <> coalesce(kept.stands, 0) LIMIT 100""",
    "I19 each received invoice's input VAT is booked as it is kept": """
        SELECT coalesce(v.number, t.idem_key)
        FROM (SELECT t.idem_key, e.amount FROM ledger_tx t JOIN ledger_entry e USING (seq)
              WHERE t.kind = 'received_invoice' AND e.account = 'A:vat:input_pending') AS t
        FULL JOIN (SELECT * FROM input_vat WHERE received_invoice_id IS NOT NULL) AS v
          ON t.idem_key = 'received_invoice:' || v.received_invoice_id
        WHERE v.amount IS DISTINCT FROM t.amount OR v.pending < 0 LIMIT 100""",
    _INPUT_VAT: """
        SELECT format('in %s the ledger holds %s, the papers %s', currency, coalesce(booked, 0), coalesce(kept, 0))
        FROM (SELECT e.currency, sum(CASE e.side WHEN 'D' THEN e.amount ELSE -e.amount END) AS booked
              FROM ledger_entry e JOIN ledger_tx t USING (seq)
              -- By hand, where the accountant says so.
              WHERE e.account = 'A:vat:input_pending' AND t.idem_key NOT LIKE 'adjustment:%'
                AND t.reverses_id IS NULL GROUP BY e.currency) AS b
        FULL JOIN (
          SELECT currency, sum(amount) AS kept FROM (
            -- Given back ahead of the invoice, it is below zero until that comes.
            SELECT currency, CASE state WHEN 'awaited' THEN pending - amount ELSE pending END AS amount
            FROM input_vat WHERE source = 'received_invoice'
            UNION ALL SELECT currency, -amount FROM input_vat WHERE source = 'psp_fees'
            UNION ALL SELECT e.currency, CASE e.side WHEN 'D' THEN e.amount ELSE -e.amount END
            FROM ledger_entry e JOIN ledger_tx t USING (seq)
            WHERE e.account = 'A:vat:input_pending' AND t.idem_key LIKE 'stripe:%') AS each
          GROUP BY currency) AS k USING (currency)
        WHERE coalesce(booked, 0) <> coalesce(kept, 0) LIMIT 100""",
    "I17 suspense holds what waits in it": """
        SELECT format('in %s the ledger holds %s, the lines %s', currency, coalesce(booked, 0), coalesce(waiting, 0))
        FROM (SELECT currency, sum(posted_c - posted_d) AS booked
              FROM account_balance WHERE account = 'L:suspense:bank' GROUP BY currency) AS b
        FULL JOIN (SELECT currency, sum(CASE direction WHEN 'in' THEN amount ELSE -amount END) AS waiting
                   FROM bank_line WHERE state = 'suspense' GROUP BY currency) AS l USING (currency)
        WHERE coalesce(booked, 0) <> coalesce(waiting, 0) LIMIT 100""",
    "I17 a bank line is the sum of its parts": """
        SELECT serial_number FROM bank_line
        WHERE parts <> '[]' AND (state <> 'matched' OR amount <> (
          SELECT sum((part ->> 'amount')::bigint) FROM jsonb_array_elements(parts) AS part)) LIMIT 100""",
    **CHANNEL_CHECKS,
    **TAX_CHECKS,
}

_DAILY = {_CLOSED_MONTH, _INPUT_VAT, *OF_MONTHS}
"""Sums over months and all there ever was, of which no part can be looked at alone."""


def checks(since: Point | None = None) -> Mapping[str, str]:
    """
    What holds everywhere, or where anything happened since a point in the books.

    Of what is older, the latter see what still stands on accounts, and neither a split nor an invoice nor a lost event.
    """
    if since is None:
        return {name: bounded(statement) for name, statement in CHECKS.items()}
    statements = {**CHECKS, _BALANCES: _BALANCES_SINCE_CLOSE}
    return {name: bounded(statement, since) for name, statement in statements.items() if name not in _DAILY}
