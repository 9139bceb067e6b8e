"""Sellers' invoices: rows ⇄ aggregates, and their reading."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from services.invoicing.adapters import tables
from services.invoicing.domain.seller_invoice import SellerInvoice, SellerInvoiceKnown
from services.invoicing.use_cases import seller_invoice
from services.shared.chassis.unit_of_work import UnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound
from services.shared.messages.invoicing.seller_invoice import GetSellerInvoice, SellerInvoiceView

_CONTENTS = TypeAdapter(SellerInvoice)


class SqlSellerInvoices:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, expected: SellerInvoice) -> None:
        self.connection.execute(insert(tables.seller_invoice).values(_values(expected)).on_conflict_do_nothing())

    def find(self, order_id: UUID) -> SellerInvoice | None:
        table = tables.seller_invoice
        contents = self.connection.execute(
            select(table.c.contents).where(table.c.order_id == order_id).with_for_update()
        ).scalar_one_or_none()
        return _CONTENTS.validate_python(contents) if contents is not None else None

    def save(self, found: SellerInvoice) -> None:
        table = tables.seller_invoice
        try:
            self.connection.execute(
                table.update().where(table.c.order_id == found.order_id).values(_values(found))
            )  # fmt: skip
        except IntegrityError as error:
            if "seller_invoice_number" not in str(error):
                raise
            raise SellerInvoiceKnown from error


def _values(found: SellerInvoice) -> dict[str, Any]:
    return {
        "order_id": found.order_id,
        "provider_id": found.provider_id,
        "number": found.number,
        "state": found.state,
        "contents": _CONTENTS.dump_python(found, mode="json"),
    }


def get_seller_invoice(
    query: GetSellerInvoice, *, actor: Actor, uow: UnitOfWork, now: datetime
) -> SellerInvoiceView:  # fmt: skip
    del now
    table = tables.seller_invoice
    contents = uow.connection.execute(
        select(table.c.contents).where(table.c.order_id == query.order_id)
    ).scalar_one_or_none()
    found = _CONTENTS.validate_python(contents) if contents is not None else None
    parties = {"customer": found.customer_id, "provider": found.provider_id} if found is not None else {}
    require(actor, query.grants, parties)  # type: ignore[arg-type]
    if found is None:
        raise NotFound
    return seller_invoice.view(found)
