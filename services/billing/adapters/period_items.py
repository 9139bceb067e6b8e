"""
What must be decided before a month is closed: each statement yields one sentence per item of the time before %(until)s.

Not among them: money that is rightly under way at the end of a month (unpaid receivables, prepayments, statements that
await an invoice, payouts in transit). It is a balance, and stands in the trial balance.
"""

OPEN_ITEMS: dict[str, str] = {
    "bank lines nobody knows the use of": """
        SELECT 'bank_line ' || serial_number FROM bank_line
        WHERE state = 'suspense' AND booked_at < %(until)s LIMIT 20""",
    "payments that are not what was asked": """
        SELECT 'payment ' || order_number FROM payment WHERE state = 'unknown' AND opened_at < %(until)s LIMIT 20""",
    "project funds a finance system leaves unclear": """
        SELECT 'funding ' || order_number || '/' || n FROM funding
        WHERE state = 'unknown' AND requested_at < %(until)s LIMIT 20""",
    "adjustments not decided": """
        SELECT 'adjustment ' || number FROM adjustment
        WHERE state = 'proposed' AND effective_at < %(until)s LIMIT 20""",
    "what the payment institution told and nobody handled": """
        SELECT 'stripe_event ' || event_id FROM stripe_event
        WHERE handled_at IS NULL AND received_at < %(until)s LIMIT 20""",
    "events that could not be handled": """
        SELECT 'event ' || source || '/' || seq FROM inbox
        WHERE status <> 'done' AND attempts > 0 AND received_at < %(until)s LIMIT 20""",
}
