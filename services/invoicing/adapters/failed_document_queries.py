"""Documents that failed: SQL → view."""

from datetime import datetime

from sqlalchemy import select

from services.invoicing.adapters import tables
from services.invoicing.adapters.red_letter_repository import red_letter_of
from services.invoicing.adapters.repositories import invoice_of
from services.invoicing.adapters.unit_of_work import InvoicingUnitOfWork
from services.invoicing.use_cases.failed_document import view
from services.shared.kernel.actor import Actor, require
from services.shared.messages.invoicing.failed_document import FailedDocuments, ListFailedDocuments

_LISTED_MAX = 200


def list_failed_documents(
    query: ListFailedDocuments, *, actor: Actor, uow: InvoicingUnitOfWork, now: datetime
) -> FailedDocuments:
    require(actor, query.grants, {})
    found = []
    for table, read in ((tables.invoice, invoice_of), (tables.red_letter, red_letter_of)):
        oldest = select(table).where(table.c.failed_at.is_not(None)).order_by(table.c.failed_at).limit(_LISTED_MAX)
        found += [view(read(row), now) for row in uow.connection.execute(oldest)]
    found.sort(key=lambda each: (each.failed_at, each.number))
    return FailedDocuments(items=tuple(found[:_LISTED_MAX]))
