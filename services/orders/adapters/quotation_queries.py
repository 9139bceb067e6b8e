"""Reads of quotation requests and quotations. A provider never sees whom else the customer asked."""

from datetime import datetime

from sqlalchemy import ColumnElement, select

from services.orders.adapters import tables
from services.orders.adapters.newest import newest, seen_by
from services.orders.adapters.quotation_rows import QUOTATION, REQUEST
from services.orders.adapters.unit_of_work import OrdersUnitOfWork
from services.orders.use_cases import quotation as quotation_use_cases
from services.orders.use_cases import quotation_request as request_use_cases
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.messages.orders.quotation import (
    GetQuotation,
    ListQuotations,
    QuotationPage,
    QuotationView,
)
from services.shared.messages.orders.quotation_request import (
    GetQuotationRequest,
    ListQuotationRequests,
    QuotationRequestPage,
    QuotationRequestView,
)


def get_quotation_request(
    query: GetQuotationRequest, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime
) -> QuotationRequestView:
    del now
    table = tables.quotation_request
    row = uow.connection.execute(
        select(table).where(table.c.quotation_request_id == query.quotation_request_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    request = REQUEST.read(row)
    seen_as = require(actor, query.grants, request_use_cases.parties(request, actor))
    return request_use_cases.view(request, seen_as, actor.organisation_id)


def list_quotation_requests(
    query: ListQuotationRequests, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime
) -> QuotationRequestPage:
    """Newest first: all for the operating company, else those the organisation asked or was asked."""
    del now
    relation = require(actor, query.grants, {"self": actor.organisation_id})
    table, asked = tables.quotation_request, tables.quotation_request_provider
    branches = [select(table)]
    if relation != "operator" and not actor.operator:
        branches = [
            select(table).where(table.c.customer_id == actor.organisation_id),
            # What was put to a provider is read along the key of who was asked, which holds the instant too.
            select(table)
            .join(
                asked,
                (asked.c.quotation_request_id == table.c.quotation_request_id)
                & (asked.c.opened_at == table.c.opened_at),
            )
            .where(asked.c.provider_id == actor.organisation_id, table.c.customer_id != actor.organisation_id),
        ]
    if query.state is not None:
        branches = [branch.where(table.c.state == query.state) for branch in branches]
    rows, cursor = newest(
        uow.connection, branches, ("opened_at", "quotation_request_id"), query.after, query.limit
    )  # fmt: skip
    found = [REQUEST.read(row) for row in rows]
    return QuotationRequestPage(
        items=tuple(
            request_use_cases.view(
                request,
                require(actor, GetQuotationRequest.grants, request_use_cases.parties(request, actor)),
                actor.organisation_id,
            )
            for request in found
        ),
        next_cursor=cursor,
    )


def get_quotation(query: GetQuotation, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime) -> QuotationView:
    del now
    table = tables.quotation
    row = uow.connection.execute(select(table).where(table.c.quotation_id == query.quotation_id)).one_or_none()
    if row is None:
        raise NotFound
    quotation = QUOTATION.read(row)
    seen_as = require(actor, query.grants, quotation_use_cases.parties_of(quotation))
    return quotation_use_cases.view(quotation, seen_as)


def list_quotations(query: ListQuotations, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime) -> QuotationPage:
    """Newest first; a provider finds its own only."""
    del now
    table = tables.quotation
    conditions: list[ColumnElement[bool]] = []
    if query.quotation_request_id is not None:
        conditions.append(table.c.quotation_request_id == query.quotation_request_id)
    if query.state is not None:
        conditions.append(table.c.state == query.state)
    if not actor.operator:
        conditions.append((table.c.state != "pending_approval") | (table.c.provider_id == actor.organisation_id))
    branches = seen_by(actor, query.grants, table, ("customer", "provider"), conditions)
    rows, cursor = newest(uow.connection, branches, ("sent_at", "quotation_id"), query.after, query.limit)
    return QuotationPage(
        items=tuple(quotation_use_cases.view(QUOTATION.read(row), row.seen_as) for row in rows), next_cursor=cursor
    )  # fmt: skip
