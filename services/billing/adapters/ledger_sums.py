"""
Sums over entries as of any time, as SQL.

They begin at the end of a closed month (`:base`), so that a question reads the entries of a month or two and not the
whole ledger.
"""

from datetime import UTC, datetime

from sqlalchemy import DateTime, bindparam, text

ALWAYS = datetime(1, 1, 1, tzinfo=UTC)

OPEN = """
SELECT account, currency, sum(moved)::bigint AS stands FROM (
  SELECT account, currency, CASE side WHEN 'D' THEN amount ELSE -amount END AS moved FROM ledger_entry
  WHERE effective_at >= :base AND effective_at < :until AND posted_at <= :known_at AND NOT starts_with(account, 'M:')
  UNION ALL
  SELECT account, currency, stands FROM ledger_period_balance WHERE until = :base
) AS moves GROUP BY account, currency HAVING sum(moved) <> 0
"""
"""Debit less credit of every account that is not even; memo accounts are outside the trial balance."""

OF_ACCOUNT = text("""
SELECT coalesce(sum(moved) FILTER (WHERE at < :since), 0)::bigint AS opening, coalesce(sum(moved), 0)::bigint AS closing
FROM (
  SELECT effective_at AS at, CASE side WHEN 'D' THEN amount ELSE -amount END AS moved FROM ledger_entry
  WHERE account = :account AND currency = :currency
    AND effective_at >= :base AND effective_at < :until AND posted_at <= :known_at
  UNION ALL
  SELECT :always, stands FROM ledger_period_balance WHERE until = :base AND account = :account AND currency = :currency
) AS moves
""").bindparams(bindparam("always", ALWAYS, DateTime(timezone=True)))
