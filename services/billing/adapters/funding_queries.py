"""Reads of funding."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from services.billing.adapters.funding_repository import funding_of
from services.billing.adapters.funding_table import funding as table
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.use_cases import funding
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, Parties, require
from services.shared.messages.billing.funding import FundingPage, GetOrderFunding, ListFunding


def get_order_funding(query: GetOrderFunding, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> FundingPage:
    """Raises NotFound: The order is another's, or project funds do not pay it."""
    del now
    statement = select(table).where(table.c.order_id == query.order_id).order_by(table.c.n.desc())
    found = [funding_of(row) for row in uow.connection.execute(statement)]
    parties: Parties = {"customer": found[0].customer_id, "provider": found[0].provider_id} if found else {}
    require(actor, query.grants, parties)
    return FundingPage(items=tuple(funding.view(each) for each in found))


def list_funding(query: ListFunding, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> FundingPage:
    del now
    require(actor, query.grants, {})
    statement = select(table)
    if query.state is not None:
        statement = statement.where(table.c.state == query.state)
    rows, cursor = page(
        uow.connection, statement, (table.c.requested_at, table.c.funding_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return FundingPage(items=tuple(funding.view(funding_of(row)) for row in rows), next_cursor=cursor)
