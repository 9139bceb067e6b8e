"""Margin and cash of orders: a page of them, or sums over all that are selected."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, select, text

from services.billing.adapters import tables
from services.billing.adapters.margin_sql import APART, FIGURES, OF_ORDERS
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.adapters.voucher_tables import placed_order
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.kernel.times import business_date
from services.shared.messages.billing.margin import (
    ApartFigure,
    GetOrderMargin,
    ListMargins,
    MarginFigures,
    MarginPage,
    MissingInvoice,
    OrderMargin,
)

_ORDER = tables.contracted_order
_CANCELLED = exists().where(placed_order.c.order_id == _ORDER.c.order_id, placed_order.c.state == "cancelled")
_STATES: dict[str, ColumnElement[bool]] = {
    "accepted": _ORDER.c.accepted_at.is_not(None),
    "cancelled": and_(_ORDER.c.accepted_at.is_(None), _CANCELLED),
    "contracted": and_(_ORDER.c.accepted_at.is_(None), ~_CANCELLED),
}

_WANTED = """
WITH wanted AS MATERIALIZED (
  SELECT o.order_id, o.currency, o.{part} AS part, coalesce((o.split ->> 'discount')::bigint, 0) AS discount
  FROM contracted_order o WHERE {which}
),"""
_OF_PAGE = text(f"""{_WANTED.format(part="order_id", which="o.order_id = ANY(:order_ids)")} {OF_ORDERS}
SELECT f.*, EXISTS (SELECT FROM invoice_copy i WHERE i.order_id = f.part AND i.kind = 'blue') AS invoiced
FROM figures f""")
_OF_ALL = """
  (CAST(:since AS timestamptz) IS NULL OR o.contracted_at >= :since)
  AND (CAST(:until AS timestamptz) IS NULL OR o.contracted_at < :until)
  AND (CAST(:provider_id AS uuid) IS NULL OR o.provider_id = :provider_id)
  AND (CAST(:station_id AS uuid) IS NULL OR o.station_id = :station_id)
  AND (CAST(:state AS text) IS NULL OR :state = CASE
    WHEN o.accepted_at IS NOT NULL THEN 'accepted'
    WHEN EXISTS (SELECT FROM placed_order p WHERE p.order_id = o.order_id AND p.state = 'cancelled') THEN 'cancelled'
    ELSE 'contracted' END)
"""
_TOTALS = text(f"""{_WANTED.format(part="currency", which=_OF_ALL)} {OF_ORDERS}
SELECT * FROM figures ORDER BY currency""")
_APART = text(APART)


def get_order_margin(query: GetOrderMargin, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> OrderMargin:
    """Raises NotFound: No such order is contracted."""
    require(actor, query.grants, {})
    row = uow.connection.execute(_listed().where(_ORDER.c.order_id == query.order_id)).one_or_none()
    if row is None:
        raise NotFound
    (found,) = _margins([row], uow, now)
    return found


def list_margins(query: ListMargins, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> MarginPage:
    require(actor, query.grants, {})
    statement = _listed()
    if query.since is not None:
        statement = statement.where(_ORDER.c.contracted_at >= query.since)
    if query.until is not None:
        statement = statement.where(_ORDER.c.contracted_at < query.until)
    if query.provider_id is not None:
        statement = statement.where(_ORDER.c.provider_id == query.provider_id)
    if query.station_id is not None:
        statement = statement.where(_ORDER.c.station_id == query.station_id)
    if query.state is not None:
        statement = statement.where(_STATES[query.state])
    rows, cursor = page(
        uow.connection, statement, (_ORDER.c.contracted_at, _ORDER.c.order_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    wants_totals = query.totals and query.after is None
    return MarginPage(
        totals=_totals(query, uow) if wants_totals else (),
        apart=_apart(query, uow) if wants_totals else (),
        items=_margins(rows, uow, now),
        next_cursor=cursor,
    )


def _listed() -> Select[Any]:
    state = case(*((condition, name) for name, condition in _STATES.items()))
    model = func.coalesce(_ORDER.c.split_terms["collection_model"].astext, "principal_own_account")
    return select(_ORDER, state.label("margin_state"), model.label("collection_model"))


def _margins(orders: list[Any], uow: BillingUnitOfWork, now: datetime) -> tuple[OrderMargin, ...]:
    if not orders:
        return ()
    rows = uow.connection.execute(_OF_PAGE, {"order_ids": [row.order_id for row in orders]})
    figures = {row.part: row for row in rows}
    return tuple(_margin(order, figures[order.order_id], now) for order in orders)


def _margin(order: Any, row: Any, now: datetime) -> OrderMargin:
    overdue = (business_date(now) - row.due_on).days if row.due_on is not None else 0
    return OrderMargin(
        order_id=order.order_id,
        order_number=order.number,
        customer_id=order.customer_id,
        provider_id=order.provider_id,
        station_id=order.station_id,
        collection_model=order.collection_model,
        state=order.margin_state,
        contracted_at=order.contracted_at,
        accepted_at=order.accepted_at,
        figures=_figures(row),
        unpaid_due_on=row.due_on,
        overdue_days=max(0, overdue),
        invoices_missing=_missing(row),
    )


def _figures(row: Any) -> MarginFigures:
    return MarginFigures(currency=row.currency, **{name: int(getattr(row, name)) for name in FIGURES})


def _missing(row: Any) -> tuple[MissingInvoice, ...]:
    missing: dict[MissingInvoice, bool] = {
        "customer": row.sell > 0 and not row.invoiced,
        "commission": row.commission > 0 and not row.invoiced,
        "provider": row.provider_missing,
        "station": row.station_missing,
    }
    return tuple(who for who, is_missing in missing.items() if is_missing)


def _totals(query: ListMargins, uow: BillingUnitOfWork) -> tuple[MarginFigures, ...]:
    selection = query.model_dump(include={"since", "until", "provider_id", "station_id", "state"})
    return tuple(_figures(row) for row in uow.connection.execute(_TOTALS, selection))


def _apart(query: ListMargins, uow: BillingUnitOfWork) -> tuple[ApartFigure, ...]:
    rows = uow.connection.execute(_APART, {"since": query.since, "until": query.until})
    return tuple(ApartFigure(**row._mapping) for row in rows)
