"""Reads of red letters: SQL → view."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from services.invoicing.adapters import tables
from services.invoicing.adapters.red_letter_repository import red_letter_of
from services.invoicing.adapters.unit_of_work import InvoicingUnitOfWork
from services.invoicing.domain.red_letter import RedLetter
from services.invoicing.use_cases.red_letter import view
from services.shared.chassis.object_store import ObjectStore
from services.shared.chassis.paging import page
from services.shared.kernel.actor import Actor, Relation, require
from services.shared.kernel.errors import NotFound
from services.shared.messages.base import Query
from services.shared.messages.invoicing.invoice import InvoiceDocument
from services.shared.messages.invoicing.red_letter import (
    GetRedLetter,
    GetRedLetterDocument,
    ListRedLetters,
    RedLetterPage,
    RedLetterView,
)


def get_red_letter(query: GetRedLetter, *, actor: Actor, uow: InvoicingUnitOfWork, now: datetime) -> RedLetterView:
    del now
    made, relation = _readable(query, query.red_letter_id, actor, uow)
    return shown(made, relation)


def get_red_letter_document(
    query: GetRedLetterDocument,
    *,
    actor: Actor,
    uow: InvoicingUnitOfWork,
    now: datetime,
    store: Callable[[], ObjectStore],
) -> InvoiceDocument:
    """Raises NotIssued. Signs an address and asks nobody."""
    del now
    made, _ = _readable(query, query.red_letter_id, actor, uow)
    kept = made.file(query.form)
    filename = f"{made.number}.{query.form}"
    return InvoiceDocument(
        url=store().download_url(kept.key, filename), sha256=kept.sha256, size_bytes=kept.size_bytes, filename=filename
    )


def list_red_letters(query: ListRedLetters, *, actor: Actor, uow: InvoicingUnitOfWork, now: datetime) -> RedLetterPage:
    del now
    relation = require(actor, query.grants, {"self": None if actor.operator else actor.organisation_id})
    table = tables.red_letter
    statement = select(table)
    if relation != "operator":
        statement = statement.where(table.c.customer_id == actor.organisation_id)
    if query.order_id is not None:
        statement = statement.where(table.c.order_id == query.order_id)
    if query.state is not None:
        statement = statement.where(table.c.state == query.state)
    rows, cursor = page(
        uow.connection, statement, (table.c.requested_at, table.c.red_letter_id), query.after, query.limit,
        read=(datetime.fromisoformat, UUID), newest_first=True,
    )  # fmt: skip
    return RedLetterPage(items=tuple(shown(red_letter_of(row), relation) for row in rows), next_cursor=cursor)


def of_invoices(
    invoice_ids: Collection[UUID], relation: Relation, uow: InvoicingUnitOfWork
) -> Mapping[UUID, tuple[RedLetterView, ...]]:
    """Those of each invoice that has any, oldest first."""
    table = tables.red_letter
    rows = uow.connection.execute(
        select(table).where(table.c.invoice_id.in_(invoice_ids)).order_by(table.c.requested_at, table.c.red_letter_id)
    )
    found: dict[UUID, tuple[RedLetterView, ...]] = {}
    for row in rows:
        found[row.invoice_id] = (*found.get(row.invoice_id, ()), shown(red_letter_of(row), relation))
    return found


def shown(made: RedLetter, relation: Relation) -> RedLetterView:
    """A customer learns that something went wrong, and no more."""
    told = view(made)
    return told if relation == "operator" else told.model_copy(update={"problem": ""})


def _readable(query: Query, red_letter_id: UUID, actor: Actor, uow: InvoicingUnitOfWork) -> tuple[RedLetter, Relation]:
    table = tables.red_letter
    row = uow.connection.execute(select(table).where(table.c.red_letter_id == red_letter_id)).one_or_none()
    if row is None:
        raise NotFound
    relation = require(actor, query.grants, {"customer": row.customer_id})
    return red_letter_of(row), relation
