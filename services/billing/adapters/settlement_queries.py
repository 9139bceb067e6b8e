"""What closing would state, without closing."""

from datetime import datetime

from sqlalchemy import text

from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.money import Money
from services.shared.kernel.times import end_of_business_day
from services.shared.messages.billing.settlement import PreviewedSettlement, PreviewSettlements, SettlementPreview

# Groups as closing makes them (`settlement_repositories.CLOSE`), but one of very many orders is not cut here.
_PREVIEW = text("""
WITH due AS (
  SELECT a.*, EXISTS (SELECT FROM order_hold h WHERE h.order_id = a.order_id) AS held
  FROM accrual a WHERE settlement_id IS NULL AND accepted_at < :before
), owed AS (
  SELECT party_kind, party_id, currency, sum("left")::bigint AS owed FROM clawback WHERE "left" > 0 GROUP BY 1, 2, 3
)
SELECT d.party_kind, d.party_id, coalesce(o.legal_name, '') AS party_name, d.currency, d.tax_rate_bps,
       d.special_invoice, coalesce(w.owed, 0) AS owed,
       coalesce(sum(d.net) FILTER (WHERE NOT d.held), 0)::bigint AS net,
       coalesce(sum(d.tax) FILTER (WHERE NOT d.held), 0)::bigint AS tax,
       count(DISTINCT d.order_id) FILTER (WHERE NOT d.held) AS order_count,
       count(*) FILTER (WHERE NOT d.held AND d.kind = 'correction') AS correction_count,
       coalesce(sum(d.net + d.tax) FILTER (WHERE d.held), 0)::bigint AS held,
       count(DISTINCT d.order_id) FILTER (WHERE d.held) AS held_count,
       max(d.payable_from) FILTER (WHERE NOT d.held) AS payable_from
FROM due d
LEFT JOIN organisation o ON o.organisation_id = d.party_id
LEFT JOIN owed w USING (party_kind, party_id, currency)
GROUP BY d.party_kind, d.party_id, o.legal_name, d.currency, d.tax_rate_bps, d.special_invoice, w.owed,
  d.kind <> 'cancellation_fee'
ORDER BY d.party_kind, o.legal_name, d.party_id, d.currency, d.tax_rate_bps, d.special_invoice
""")


def preview_settlements(
    query: PreviewSettlements, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> SettlementPreview:
    del now
    require(actor, query.grants, {})
    rows = uow.connection.execute(_PREVIEW, {"before": end_of_business_day(query.until)})
    return SettlementPreview(
        items=tuple(
            PreviewedSettlement(
                party_kind=row.party_kind,
                party_id=row.party_id,
                party_name=row.party_name,
                tax_rate_bps=row.tax_rate_bps,
                special_invoice=row.special_invoice,
                order_count=row.order_count,
                correction_count=row.correction_count,
                net=Money(row.net, row.currency),
                tax=Money(row.tax, row.currency),
                gross=Money(row.net + row.tax, row.currency),
                owed_by_party=Money(row.owed, row.currency),
                held=Money(row.held, row.currency),
                held_count=row.held_count,
                payable_from=row.payable_from,
            )
            for row in rows
        )
    )
