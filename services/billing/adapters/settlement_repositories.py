"""Rows ⇄ settlements and payouts. Closing is one statement, however many orders there are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select, text
from sqlalchemy.dialects.postgresql import insert

from services.billing.adapters import tables
from services.billing.domain.organisation import PartyKind
from services.billing.domain.payout import Payout
from services.billing.domain.settlement import PayoutExists, Settlement, SettlementLine
from services.shared.chassis.database import save_versioned
from services.shared.kernel.errors import NotFound

ORDERS_PER_STATEMENT_MAX = 500
"""A closed settlement names its orders in its event, which is to stay below 64 KiB."""

CLOSE = text("""
WITH due AS (
  SELECT * FROM accrual WHERE settlement_id IS NULL AND accepted_at < :before FOR UPDATE
), parted AS (
  SELECT due.*, (row_number() OVER (PARTITION BY party_kind, party_id, currency, tax_rate_bps, special_invoice
                                    ORDER BY accepted_at, order_id, n) - 1) / :orders_max AS part
  FROM due
), grouped AS (
  SELECT gen_random_uuid() AS settlement_id, next_number('ST', :now) AS number, g.*
  FROM (
    SELECT party_kind, party_id, currency, tax_rate_bps, special_invoice, part,
           sum(net) AS net, sum(tax) AS tax, max(payable_from) AS payable_from,
           jsonb_agg(jsonb_build_object(
             'order_id', order_id, 'order_number', order_number, 'title', title, 'order_net', order_net, 'fee', fee,
             'net', net, 'tax', tax, 'accepted_at', accepted_at) ORDER BY accepted_at, order_id, n) AS lines
    FROM parted
    GROUP BY party_kind, party_id, currency, tax_rate_bps, special_invoice, part
    -- a party that earned no more than refunds take from it waits for its next orders
    HAVING sum(net) > 0 AND sum(tax) >= 0
    ORDER BY party_kind, party_id, currency, tax_rate_bps, special_invoice, part
  ) AS g
), stated AS (
  INSERT INTO settlement (settlement_id, number, state, party_kind, party_id, party_name, until, currency, net, tax,
                          tax_rate_bps, special_invoice, lines, payable_from, closed_at)
  SELECT g.settlement_id, g.number, 'closed', g.party_kind, g.party_id, coalesce(o.legal_name, ''), :until,
         g.currency, g.net, g.tax, g.tax_rate_bps, g.special_invoice, g.lines, g.payable_from, :now
  FROM grouped g LEFT JOIN organisation o ON o.organisation_id = g.party_id
  RETURNING *
), listed AS (
  UPDATE accrual a SET settlement_id = g.settlement_id
  FROM parted p JOIN grouped g USING (party_kind, party_id, currency, tax_rate_bps, special_invoice, part)
  WHERE a.order_id = p.order_id AND a.party_kind = p.party_kind AND a.n = p.n
)
SELECT * FROM stated ORDER BY number
""").columns(*tables.settlement.c)


class SqlSettlements:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def close(self, until: date, before: datetime, now: datetime) -> Sequence[Settlement]:
        rows = self.connection.execute(
            CLOSE, {"until": until, "before": before, "now": now, "orders_max": ORDERS_PER_STATEMENT_MAX}
        )
        return [settlement_of(row) for row in rows]

    def party_of(self, settlement_id: UUID) -> UUID:
        table = tables.settlement
        found: UUID | None = self.connection.execute(
            select(table.c.party_id).where(table.c.settlement_id == settlement_id)
        ).scalar_one_or_none()
        if found is None:
            raise NotFound
        return found

    def payable_to(self, kind: PartyKind, party_id: UUID, currency: str) -> Sequence[Settlement]:
        table = tables.settlement
        rows = self.connection.execute(
            select(table)
            .where(
                table.c.party_id == party_id,
                table.c.party_kind == kind,
                table.c.currency == currency,
                table.c.state == "payable",
                table.c.payout_id.is_(None),
            )
            .order_by(table.c.closed_at, table.c.settlement_id)
            .with_for_update()
        )
        return [settlement_of(row) for row in rows]

    def get(self, settlement_id: UUID) -> Settlement:
        table = tables.settlement
        row = self.connection.execute(
            select(table).where(table.c.settlement_id == settlement_id).with_for_update()
        ).one_or_none()
        if row is None:
            raise NotFound
        return settlement_of(row)

    def save(self, settlement: Settlement) -> None:
        values = {name: value for name, value in vars(settlement).items() if name != "lines"}
        save_versioned(self.connection, tables.settlement, {"settlement_id": settlement.settlement_id}, values)
        settlement.version += 1  # what a party owes us is kept of it as soon as it is payable


class SqlPayouts:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, payout: Payout) -> None:
        values = asdict(payout) | {"number": text("next_number('PO', :at)").bindparams(at=payout.created_at)}
        number = self.connection.execute(
            insert(tables.payout).values(values).on_conflict_do_nothing().returning(tables.payout.c.number)
        ).scalar_one_or_none()
        if number is None:
            raise PayoutExists
        payout.number = number

    def get(self, payout_id: UUID) -> Payout:
        table = tables.payout
        row = self.connection.execute(
            select(table).where(table.c.payout_id == payout_id).with_for_update()
        ).one_or_none()
        if row is None:
            raise NotFound
        return Payout(**row._mapping)

    def by_numbers(self, numbers: Iterable[str]) -> Mapping[str, Payout]:
        table = tables.payout
        rows = self.connection.execute(
            select(table).where(table.c.number.in_(list(numbers))).order_by(table.c.payout_id).with_for_update()
        )
        return {row.number: Payout(**row._mapping) for row in rows}

    def started_of(self, party_id: UUID) -> Sequence[Payout]:
        table = tables.payout
        rows = self.connection.execute(
            select(table)
            .where(table.c.party_id == party_id, table.c.state == "created")
            .order_by(table.c.payout_id)
            .with_for_update()
        )
        return [Payout(**row._mapping) for row in rows]

    def save(self, payout: Payout) -> None:
        save_versioned(self.connection, tables.payout, {"payout_id": payout.payout_id}, vars(payout))


def settlement_of(row: Row[Any]) -> Settlement:
    fields = dict(row._mapping)
    lines = tuple(
        SettlementLine(
            **{
                **line,
                "order_id": UUID(line["order_id"]),
                "accepted_at": datetime.fromisoformat(line["accepted_at"]),
            }
        )
        for line in fields["lines"]
    )
    return Settlement(**{**fields, "lines": lines})
