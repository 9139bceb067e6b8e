"""Rows ⇄ input VAT, and reads of it. What fees bring is read from the ledger, which alone knows it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import BigInteger, Column, Connection, Integer, Table, Text, Uuid, select, text
from sqlalchemy.dialects.postgresql import insert

from services.billing.adapters.tables import instant, metadata
from services.billing.domain.input_vat import FeeMonth, InputVat
from services.billing.domain.period import Period, period_of
from services.billing.use_cases.input_vat import view
from services.shared.chassis.database import save_versioned
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.money import Money
from services.shared.kernel.times import business_date
from services.shared.messages.billing.input_vat import (
    FeeInputVat,
    FeeInputVatList,
    InputVatPage,
    ListFeeInputVat,
    ListInputVat,
)

if TYPE_CHECKING:
    from services.billing.adapters.unit_of_work import BillingUnitOfWork

_TABLE = Table(
    "input_vat",
    metadata,
    Column("input_vat_id", Uuid, primary_key=True),
    Column("source", Text),
    Column("number", Text),
    Column("settlement_id", Uuid),
    Column("received_invoice_id", Uuid),
    Column("invoice_number", Text),
    Column("party_kind", Text),
    Column("party_id", Uuid),
    Column("state", Text),
    Column("currency", Text),
    Column("amount", BigInteger),
    Column("pending", BigInteger),
    instant("arisen_at"),
    Column("confirmed", BigInteger),
    Column("transferred_out", BigInteger),
    Column("given_back", BigInteger),
    Column("period", Text),
    instant("confirmed_at"),
    Column("confirmed_by", Text),
    instant("transferred_out_at"),
    Column("transferred_out_by", Text),
    Column("reason", Text),
    Column("version", Integer),
)

_FEES = """
SELECT to_char(e.effective_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM') AS month, e.currency,
       sum(CASE e.side WHEN 'D' THEN e.amount ELSE -e.amount END)::bigint AS booked
FROM ledger_entry e JOIN ledger_tx t USING (seq)
WHERE e.account = 'A:vat:input_pending' AND t.idem_key LIKE 'stripe:%' GROUP BY 1, 2
"""
_FEE_MONTHS = text(f"""
WITH fees AS ({_FEES}), done AS (
  SELECT number AS month, currency, sum(amount)::bigint AS confirmed, count(*) AS times
  FROM input_vat WHERE source = 'psp_fees' GROUP BY 1, 2
)
SELECT month, currency, booked - coalesce(confirmed, 0) AS pending, coalesce(times, 0) AS times
FROM fees LEFT JOIN done USING (month, currency) ORDER BY month, currency
""")


class SqlInputVats:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, made: InputVat) -> bool:
        added = self.connection.execute(
            insert(_TABLE).values(vars(made)).on_conflict_do_nothing(index_elements=[_TABLE.c.input_vat_id])
        )
        return added.rowcount == 1

    def of_settlement(self, settlement_id: UUID) -> InputVat | None:
        row = self.connection.execute(
            select(_TABLE).where(_TABLE.c.settlement_id == settlement_id).with_for_update()
        ).one_or_none()
        return InputVat(**row._mapping) if row is not None else None

    def get_all(self, input_vat_ids: Iterable[UUID]) -> Sequence[InputVat]:
        wanted = set(input_vat_ids)
        rows = self.connection.execute(
            select(_TABLE)
            .where(_TABLE.c.input_vat_id.in_(wanted))
            # As a claw-back takes them: an order's provider before its station.
            .order_by(_TABLE.c.party_kind, _TABLE.c.input_vat_id)
            .with_for_update()
        ).all()
        if len(rows) != len(wanted):
            raise NotFound
        return [InputVat(**row._mapping) for row in rows]

    def fee_month(self, period: Period, currency: str) -> FeeMonth:
        for found in _fee_months(self.connection):
            if (found.period, found.currency) == (period, currency):
                return found
        return FeeMonth(period, currency, 0, 0)

    def save(self, input_vat: InputVat) -> None:
        save_versioned(self.connection, _TABLE, {"input_vat_id": input_vat.input_vat_id}, vars(input_vat))
        input_vat.version += 1  # a claw-back may change it a second time in the transaction


def _fee_months(connection: Connection) -> list[FeeMonth]:
    rows = connection.execute(_FEE_MONTHS)
    return [FeeMonth(period_of(row.month), row.currency, row.pending, row.times) for row in rows]


def list_input_vat(query: ListInputVat, *, actor: Actor, uow: "BillingUnitOfWork", now: datetime) -> InputVatPage:
    require(actor, query.grants, {})
    statement = select(_TABLE).where(_TABLE.c.state == query.state)
    if query.state == "pending":
        statement = statement.where(_TABLE.c.pending > 0)
    rows, cursor = page(
        uow.connection, statement, (_TABLE.c.arisen_at, _TABLE.c.input_vat_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID),
    )  # fmt: skip
    return InputVatPage(items=tuple(view(InputVat(**row._mapping), now) for row in rows), next_cursor=cursor)


def list_fee_input_vat(
    query: ListFeeInputVat, *, actor: Actor, uow: "BillingUnitOfWork", now: datetime
) -> FeeInputVatList:
    require(actor, query.grants, {})
    today = business_date(now)
    return FeeInputVatList(
        items=tuple(
            FeeInputVat(
                month=each.period.name,
                pending=Money(each.pending, each.currency),
                age_days=(today - business_date(each.period.last_instant)).days,
            )
            for each in _fee_months(uow.connection)
            if each.pending
        )
    )
