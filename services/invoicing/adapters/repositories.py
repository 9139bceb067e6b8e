"""Rows ⇄ aggregates."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, exists, select, text
from sqlalchemy.dialects.postgresql import insert

from services.invoicing.adapters import tables
from services.invoicing.domain.invoice import Contents, Invoice, KeptFile, Taken
from services.invoicing.domain.order import OrderCopy
from services.invoicing.domain.organisation import OrganisationCopy
from services.invoicing.domain.received_invoice import AlreadyRecorded, ReceivedInvoice
from services.invoicing.domain.settlement import SettlementCopy
from services.invoicing.domain.tax_point import TaxPoint
from services.shared.chassis.database import save_versioned
from services.shared.kernel.errors import NotFound
from services.shared.kernel.money import Money

_CONTENTS = TypeAdapter(Contents)
_ORDER = TypeAdapter(OrderCopy)


class SqlOrganisations:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def put(self, organisation: OrganisationCopy) -> None:
        values = vars(organisation)
        self.connection.execute(
            insert(tables.organisation)
            .values(values)
            .on_conflict_do_update(index_elements=["organisation_id"], set_=values)
        )

    def parties(self, customer_id: UUID) -> tuple[OrganisationCopy | None, OrganisationCopy | None]:
        table = tables.organisation
        rows = self.connection.execute(
            select(table)
            .where((table.c.kind == "operator") | (table.c.organisation_id == customer_id))
            .order_by(table.c.organisation_id)
        )
        operator = customer = None
        for row in rows:
            found = OrganisationCopy(**row._mapping)
            if found.organisation_id == customer_id:
                customer = found
            if found.kind == "operator" and operator is None:
                operator = found
        return operator, customer


class SqlOrders:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def put(self, order: OrderCopy) -> None:
        values = {"order_id": order.order_id, "contents": _ORDER.dump_python(order, mode="json")}
        self.connection.execute(
            insert(tables.order).values(values).on_conflict_do_update(index_elements=["order_id"], set_=values)
        )

    def find(self, order_id: UUID) -> OrderCopy | None:
        contents = self.connection.execute(
            select(tables.order.c.contents).where(tables.order.c.order_id == order_id).with_for_update()
        ).scalar_one_or_none()
        return _ORDER.validate_python(contents) if contents is not None else None


class SqlSettlements:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, settlement: SettlementCopy) -> None:
        values = vars(settlement) | _minor(settlement.net, settlement.tax)
        for name in ("net", "tax", "gross"):
            del values[name]
        self.connection.execute(insert(tables.settlement).values(values).on_conflict_do_nothing())

    def by_number(self, number: str) -> SettlementCopy | None:
        row = self.connection.execute(
            select(tables.settlement).where(tables.settlement.c.number == number).with_for_update()
        ).one_or_none()
        if row is None:
            return None
        net, tax = Money(row.net_minor, row.currency), Money(row.tax_minor, row.currency)
        return SettlementCopy(
            settlement_id=row.settlement_id,
            number=row.number,
            party_kind=row.party_kind,
            party_id=row.party_id,
            net=net,
            tax=tax,
            gross=net + tax,
            special_invoice=row.special_invoice,
            matched_by=row.matched_by,
        )

    def save(self, settlement: SettlementCopy) -> None:
        self.connection.execute(
            tables.settlement.update()
            .where(tables.settlement.c.settlement_id == settlement.settlement_id)
            .values(matched_by=settlement.matched_by)
        )


class SqlTaxPoints:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, tax_point: TaxPoint) -> bool:
        values = vars(tax_point) | _minor(tax_point.net, tax_point.tax)
        del values["net"], values["tax"]
        return self.connection.execute(insert(tables.tax_point).values(values).on_conflict_do_nothing()).rowcount == 1


class SqlNumberSeries:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def take(self, series: str, year: int) -> int:
        table = tables.number_series
        # One statement: the row is locked from here to the end of the transaction, the first one of a year included.
        taken: int = self.connection.execute(
            insert(table)
            .values(series=series, year=year, last=1)
            .on_conflict_do_update(index_elements=["series", "year"], set_={"last": table.c.last + 1})
            .returning(table.c.last)
        ).scalar_one()
        return taken


class SqlInvoices:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def exists_for(self, order_id: UUID) -> bool:
        of_its_own = exists().where(tables.invoice.c.order_id == order_id)
        waits = exists().where(tables.uninvoiced_order.c.order_id == order_id)
        return bool(self.connection.execute(select(of_its_own | waits)).scalar_one())

    def add(self, invoice: Invoice) -> None:
        self.connection.execute(insert(tables.invoice).values(_invoice_row(invoice)))

    def get(self, invoice_id: UUID) -> Invoice:
        row = self.connection.execute(
            select(tables.invoice).where(tables.invoice.c.invoice_id == invoice_id).with_for_update()
        ).one_or_none()
        if row is None:
            raise NotFound
        return invoice_of(row)

    def exists_for_refund(self, order_id: UUID, refund_id: UUID) -> bool:
        table = tables.invoice
        over = exists().where(table.c.order_id == order_id, table.c.refund_id == refund_id)
        return bool(self.connection.execute(select(over)).scalar_one())

    def of_order(self, order_id: UUID) -> Sequence[Invoice]:
        table = tables.invoice
        rows = self.connection.execute(
            select(table).where(over_order(order_id)).order_by(table.c.number).with_for_update()
        )
        return [invoice_of(row) for row in rows]

    def contents_of(self, invoice_id: UUID) -> Contents:
        found = self.connection.execute(
            select(tables.invoice.c.contents).where(tables.invoice.c.invoice_id == invoice_id)
        ).scalar_one_or_none()
        if found is None:
            raise NotFound
        return _CONTENTS.validate_python(found)

    def save(self, invoice: Invoice) -> None:
        save_versioned(self.connection, tables.invoice, {"invoice_id": invoice.invoice_id}, _invoice_row(invoice))


class SqlReceivedInvoices:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, invoice: ReceivedInvoice) -> None:
        table = tables.received_invoice
        # What differs is not stored beside what matched, either; two at once that match meet at the index.
        if self.connection.execute(
            select(table.c.received_invoice_id).where(
                table.c.party_id == invoice.party_id, table.c.number == invoice.number, table.c.state != "rejected"
            )
        ).first():
            raise AlreadyRecorded(number=invoice.number)
        values = vars(invoice) | _minor(invoice.net, invoice.tax)
        for name in ("net", "tax", "gross"):
            del values[name]
        stored = self.connection.execute(
            insert(table)
            .values(values)
            .on_conflict_do_nothing(index_elements=["party_id", "number"], index_where=text("state <> 'rejected'"))
            .returning(table.c.received_invoice_id)
        ).scalar_one_or_none()
        if stored is None:
            raise AlreadyRecorded(number=invoice.number)


def over_order(order_id: UUID) -> ColumnElement[bool]:
    """Of an invoice: it is over this order, alone or with others."""
    on = select(tables.uninvoiced_order.c.invoice_id).where(tables.uninvoiced_order.c.order_id == order_id)
    # One value and no IN: a list within an OR would have every invoice read.
    return (tables.invoice.c.order_id == order_id) | (tables.invoice.c.invoice_id == on.scalar_subquery())


def invoice_of(row: Any) -> Invoice:
    """The aggregate behind *row* of the table `invoice`."""
    return Invoice(
        invoice_id=row.invoice_id,
        order_id=row.order_id,
        customer_id=row.customer_id,
        refund_id=row.refund_id,
        state=row.state,
        contents=_CONTENTS.validate_python(row.contents),
        issued_at=row.issued_at,
        pdf=KeptFile(**row.pdf) if row.pdf else None,
        xml=KeptFile(**row.xml) if row.xml else None,
        problem=row.problem,
        failed_at=row.failed_at,
        red_asked=Taken(row.red_asked_net_minor, row.red_asked_tax_minor),
        red_issued=Taken(row.red_issued_net_minor, row.red_issued_tax_minor),
        version=row.version,
    )


def _invoice_row(invoice: Invoice) -> dict[str, Any]:
    contents = invoice.frozen
    return {
        "invoice_id": invoice.invoice_id,
        "number": contents.number,
        "state": invoice.state,
        "order_id": invoice.order_id,
        "customer_id": invoice.customer_id,
        "refund_id": invoice.refund_id,
        "contents": _CONTENTS.dump_python(contents, mode="json"),
        "dated_at": contents.dated_at,
        "issued_at": invoice.issued_at,
        "pdf": vars(invoice.pdf) if invoice.pdf else None,
        "xml": vars(invoice.xml) if invoice.xml else None,
        "problem": invoice.problem,
        "failed_at": invoice.failed_at,
        "red_asked_net_minor": invoice.red_asked.net,
        "red_asked_tax_minor": invoice.red_asked.tax,
        "red_issued_net_minor": invoice.red_issued.net,
        "red_issued_tax_minor": invoice.red_issued.tax,
        "version": invoice.version,
    }


def _minor(net: Money, tax: Money) -> dict[str, Any]:
    return {"currency": net.currency, "net_minor": net.amount, "tax_minor": tax.amount}
