"""
The cash forecast, from rows that say what is expected and from the balances of our own accounts.

What a day says is what is agreed today: no order that may come, nobody's habit of paying late.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text

from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.times import business_date
from services.shared.messages.billing.cash_forecast import (
    CashForecast,
    CurrencyForecast,
    ForecastDay,
    ForecastItem,
    ForecastItems,
    GetCashForecast,
    ListForecastItems,
)

VAT_FILING_DAY = 15
"""Of the month after; moved by holidays, which no calendar here knows."""

_EXPECTED = """
WITH expected AS (
  SELECT 'receivable' AS kind, 'in' AS direction, currency, amount - paid - written_off AS amount, due_on AS day,
         order_number AS reference, receivable_id AS subject_id
  FROM receivable WHERE state IN ('uninvoiced', 'open')
  UNION ALL
  -- What a statement carries over is in its amount already.
  SELECT 'commission', 'in', c.currency, c."left", d.due_on, c.order_number, c.clawback_id
  FROM commission_debt d JOIN clawback c USING (clawback_id)
  WHERE c."left" > 0 AND NOT EXISTS (
    SELECT FROM settlement s WHERE s.party_id = c.party_id AND s.currency = c.currency AND s.carried_over > 0
      AND s.state IN ('closed', 'awaiting_invoice'))
  UNION ALL
  SELECT 'payment', 'in', currency, amount - received, NULL, order_number, payment_id
  FROM payment WHERE state IN ('created', 'pending', 'failed') AND receivable_id IS NULL
    AND method IN ('card', 'bank_transfer')
  UNION ALL
  SELECT 'claim', 'in', u.currency, u.amount, NULL, u.order_number, c.claim_id
  FROM claim c JOIN voucher_use u USING (use_id) WHERE c.state = 'approved' AND u.redeem_to = 'company'
  UNION ALL
  SELECT 'payout', 'out', currency, amount, CAST(:today AS date), number, payout_id
  FROM payout WHERE state IN ('created', 'released', 'in_transit')
  UNION ALL
  SELECT 'settlement', 'out', s.currency,
         s.net + s.tax - CASE WHEN s.state <> 'payable' THEN s.carried_over
              ELSE (SELECT coalesce(sum((k ->> 'amount')::bigint), 0) FROM jsonb_array_elements(s.kept) AS k) END,
         CASE WHEN s.state = 'payable' THEN greatest((s.payable_from AT TIME ZONE 'Asia/Shanghai')::date, :today)
              ELSE s.due_on END,
         s.number, s.settlement_id
  FROM settlement s WHERE s.state IN ('closed', 'awaiting_invoice', 'payable') AND s.payout_id IS NULL
  UNION ALL
  SELECT 'refund', 'out', r.currency, sum((part ->> 'amount')::bigint),
         CASE WHEN r.state = 'awaiting_red_letter' THEN NULL ELSE CAST(:today AS date) END, r.number, r.refund_id
  FROM refund r, jsonb_array_elements(r.parts) AS part
  WHERE r.state IN ('awaiting_red_letter', 'pending', 'failed')
    AND part ->> 'state' <> 'succeeded' AND part ->> 'route' IN ('card', 'bank_transfer')
  GROUP BY r.refund_id
  UNION ALL
  SELECT 'credit_payback', 'out', currency, amount, CAST(:today AS date), number, credit_payback_id
  FROM credit_payback WHERE state IN ('requested', 'ordered')
  UNION ALL
  SELECT 'credit_payback', 'out', b.currency,
         sum(b.posted_c - b.posted_d) - (
           SELECT coalesce(sum(c.amount), 0) FROM credit_payback c
           WHERE c.programme_id = p.programme_id AND c.currency = b.currency AND c.state = 'requested'),
         NULL, p.number, p.programme_id
  FROM programme p JOIN account_balance b ON b.account = 'L:voucher_clawback:' || p.programme_id
  GROUP BY p.programme_id, b.currency
  UNION ALL
  SELECT 'vat', 'out', currency, sum(posted_c - posted_d), CAST(:filing AS date), account, NULL
  FROM account_balance WHERE account = 'L:vat:payable' GROUP BY account, currency
)
SELECT kind, direction, currency, amount::bigint AS amount,
       CASE WHEN day < :today THEN CAST(:today AS date) ELSE day END AS day, coalesce(day < :today, false) AS overdue,
       reference, subject_id
FROM expected WHERE amount > 0
"""
_BY_DAY = text(f"""
SELECT currency, direction, day, overdue, sum(amount)::bigint AS amount FROM ({_EXPECTED}) AS e
GROUP BY currency, direction, day, overdue
""")
_ITEMS = text(f"""
SELECT * FROM ({_EXPECTED}) AS e WHERE day IS NOT DISTINCT FROM CAST(:day AS date)
ORDER BY amount DESC, kind, reference LIMIT :limit
""")
_OPENING = text("""
SELECT currency, sum(posted_d - posted_c)::bigint AS held FROM account_balance
WHERE account IN ('A:bank:main', 'A:psp:stripe', 'A:psp:transit', 'A:psp:channel') GROUP BY currency
""")


def get_cash_forecast(query: GetCashForecast, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> CashForecast:
    require(actor, query.grants, {})
    today = business_date(now)
    expected: dict[str, list[Any]] = defaultdict(list)
    for row in uow.connection.execute(_BY_DAY, _times(today)):
        expected[row.currency].append(row)
    held = {row.currency: int(row.held) for row in uow.connection.execute(_OPENING)}
    return CashForecast(
        today=today,
        currencies=tuple(
            _forecast(currency, held.get(currency, 0), expected[currency], today, query.days)
            for currency in sorted({*held, *expected})
        ),
    )


def list_forecast_items(
    query: ListForecastItems, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> ForecastItems:
    require(actor, query.grants, {})
    asked = {**_times(business_date(now)), "day": query.day, "limit": query.limit + 1}
    rows = uow.connection.execute(_ITEMS, asked).all()
    found = tuple(ForecastItem(**row._mapping) for row in rows[: query.limit])
    return ForecastItems(items=found, more=len(rows) > query.limit)


def _times(today: date) -> dict[str, date]:
    this = today.replace(day=VAT_FILING_DAY)
    following = date(today.year + today.month // 12, today.month % 12 + 1, VAT_FILING_DAY)
    return {"today": today, "filing": this if today <= this else following}


def _forecast(currency: str, opening: int, rows: Sequence[Any], today: date, days: int) -> CurrencyForecast:
    last = today + timedelta(days=days - 1)

    def total(direction: str, *, first: date | None = None, until: date | None = None, overdue: bool = False) -> int:
        return sum(
            int(row.amount) for row in rows
            if row.direction == direction and row.day is not None and (row.overdue or not overdue)
            and (first is None or row.day >= first) and (until is None or row.day <= until)
        )  # fmt: skip

    def undated(direction: str) -> int:
        return sum(int(row.amount) for row in rows if row.direction == direction and row.day is None)

    closing, shown = opening, []
    for day in (today + timedelta(days=each) for each in range(days)):
        came, went = total("in", first=day, until=day), total("out", first=day, until=day)
        closing += came - went
        shown.append(ForecastDay(day=day, expected_in=came, expected_out=went, closing=closing))
    after = last + timedelta(days=1)
    return CurrencyForecast(
        currency=currency,
        opening=opening,
        overdue_in=total("in", overdue=True),
        overdue_out=total("out", overdue=True),
        undated_in=undated("in"),
        undated_out=undated("out"),
        later_in=total("in", first=after),
        later_out=total("out", first=after),
        days=tuple(shown),
    )
