"""What of a provider's own sales its statements tell."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Connection, DateTime, Row, Text, Uuid, select, text
from sqlalchemy.sql import column

from services.billing.adapters.queries import settlement_row
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor
from services.shared.kernel.money import Money
from services.shared.messages.billing.settlement import ListSettlementSales, SettlementSale, SettlementSalePage

# As it was accepted, and what was taken back of that until the statement: a refund has a red letter of its own, and
# what it makes the commission more an invoice of its own. What is taken back later is not this statement's.
_SALES = text("""
SELECT o.order_id, o.number AS order_number, o.title, o.currency, o.accepted_at,
       o.split_terms ->> 'collection_model' AS way, coalesce(i.number, '') AS invoice_number,
       (o.split ->> 'net')::bigint + (o.split ->> 'tax')::bigint AS sold,
       (o.split ->> 'net')::bigint - (o.split ->> 'provider_net')::bigint AS commission,
       (o.split ->> 'tax')::bigint - (o.split ->> 'provider_tax')::bigint AS commission_tax,
       coalesce(c.amount, 0) AS split_off, coalesce(r.refunded, 0)::bigint AS refunded,
       coalesce(b.amount, 0)::bigint AS split_returned, coalesce(r.commission, 0)::bigint AS commission_reduced,
       coalesce(r.commission_tax, 0)::bigint AS commission_tax_reduced
FROM stated_sale s JOIN contracted_order o USING (order_id) JOIN settlement t USING (settlement_id)
LEFT JOIN LATERAL (
  SELECT sum(net + tax) AS refunded,
         sum((takes ->> 'net')::bigint - (takes ->> 'provider_net')::bigint) AS commission,
         sum((takes ->> 'tax')::bigint - (takes ->> 'provider_tax')::bigint) AS commission_tax
  FROM refund WHERE order_id = o.order_id AND performed AND agreed_at <= t.closed_at
) AS r ON true
LEFT JOIN LATERAL (
  SELECT sum(amount) AS amount FROM split_return
  WHERE order_id = o.order_id AND state = 'success' AND succeeded_at <= t.closed_at
) AS b ON true
LEFT JOIN split_order c ON c.order_id = o.order_id AND c.state = 'finished'
LEFT JOIN invoice_copy i ON i.order_id = o.order_id AND i.kind = 'blue' AND i.refund_id IS NULL
  AND i.buyer_id = o.provider_id
WHERE s.settlement_id = :settlement_id
""").columns(
    column("order_id", Uuid), column("order_number", Text), column("title", Text), column("currency", Text),
    column("accepted_at", DateTime(timezone=True)), column("way", Text), column("invoice_number", Text),
    column("sold", BigInteger), column("commission", BigInteger), column("commission_tax", BigInteger),
    column("split_off", BigInteger), column("refunded", BigInteger), column("split_returned", BigInteger),
    column("commission_reduced", BigInteger), column("commission_tax_reduced", BigInteger),
)  # fmt: skip


def sales_of(connection: Connection, settlement_id: UUID) -> Sequence[Row[Any]]:
    """All of a statement's, in the order of acceptance."""
    sale = _SALES.bindparams(settlement_id=settlement_id).subquery("sale")
    return connection.execute(select(sale).order_by(sale.c.accepted_at, sale.c.order_id)).all()


def list_settlement_sales(
    query: ListSettlementSales, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> SettlementSalePage:
    del now
    settlement_row(query, actor, uow)
    sale = _SALES.bindparams(settlement_id=query.settlement_id).subquery("sale")
    rows, cursor = page(
        uow.connection, select(sale), (sale.c.accepted_at, sale.c.order_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID),
    )  # fmt: skip
    return SettlementSalePage(
        items=tuple(
            SettlementSale(
                order_id=row.order_id,
                order_number=row.order_number,
                title=row.title,
                accepted_at=row.accepted_at,
                way=row.way,
                sold=Money(row.sold, row.currency),
                split_off=Money(row.split_off, row.currency),
                commission=Money(row.commission, row.currency),
                commission_tax=Money(row.commission_tax, row.currency),
                refunded=Money(row.refunded, row.currency),
                split_returned=Money(row.split_returned, row.currency),
                commission_reduced=Money(row.commission_reduced, row.currency),
                commission_tax_reduced=Money(row.commission_tax_reduced, row.currency),
                invoice_number=row.invoice_number,
            )
            for row in rows
        ),
        next_cursor=cursor,
    )
