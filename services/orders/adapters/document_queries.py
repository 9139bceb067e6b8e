"""Reads of contracts, reports and the packing sheet, and presigned addresses of their files."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from services.orders.adapters import tables
from services.orders.adapters.order_rows import CONTRACT, ORDER, REPORT
from services.orders.adapters.queries import parties
from services.orders.adapters.unit_of_work import OrdersUnitOfWork
from services.orders.domain.contract import Contract
from services.orders.domain.order import Order
from services.orders.domain.report import Report
from services.orders.use_cases import contract as contract_use_cases
from services.orders.use_cases import report as report_use_cases
from services.shared.kernel.actor import Actor, Grants, Relation, require
from services.shared.kernel.errors import Conflict, NotFound
from services.shared.messages.orders.contract import ContractView, DocumentLink, GetContract, GetContractDocument
from services.shared.messages.orders.report import (
    CheckReport,
    GetReport,
    GetReportDocument,
    ReportCheck,
    ReportView,
)
from services.shared.messages.orders.sample import GetPackingSheet


class DocumentNotReady(Conflict):
    """This document does not exist yet."""

    code = "orders.document_not_ready"


def get_contract(query: GetContract, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime) -> ContractView:
    del now
    contract, order = _contract(query, uow)
    return contract_use_cases.view(contract, order, _seen_as(actor, query.grants, order))


def get_contract_document(
    query: GetContractDocument, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime
) -> DocumentLink:
    del now
    contract, order = _contract(query, uow)
    if query.paper not in contract.papers_of(_seen_as(actor, query.grants, order)):
        raise NotFound
    document = contract.document(query.paper)
    if document is None:
        raise DocumentNotReady
    number = contract.number if query.paper == "contract" else f"OS{contract.number[2:]}"
    return _link(uow, document.key, document.sha256, document.size_bytes, number)


def get_packing_sheet(query: GetPackingSheet, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime) -> DocumentLink:
    del now
    row = uow.connection.execute(
        select(tables.orders).where(tables.orders.c.order_id == query.order_id)
    ).one_or_none()  # fmt: skip
    if row is None:
        raise NotFound
    order = ORDER.read(row)
    _seen_as(actor, query.grants, order)
    sheet = order.packing_sheet
    if sheet is None:
        raise DocumentNotReady
    return _link(uow, sheet.key, sheet.sha256, sheet.size_bytes, f"packing-{order.number}")


def get_report(query: GetReport, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime) -> ReportView:
    """A draft is its laboratory's own affair, and only the laboratory is told where to upload it."""
    del now
    report, seen_as = _report(query, actor, uow)
    uploading = seen_as == "provider" and report.state == "draft"
    return report_use_cases.view(report, uow.files.upload_url(report.upload_key) if uploading else None)


def get_report_document(
    query: GetReportDocument, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime
) -> DocumentLink:  # fmt: skip
    del now
    report, _ = _report(query, actor, uow)
    if not report.object_key:
        raise DocumentNotReady
    return _link(uow, report.object_key, report.sha256, report.size_bytes, report.number)


def check_report(query: CheckReport, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime) -> ReportCheck:
    """Anyone: what was issued under this code. Says nothing of the customer."""
    del now
    require(actor, query.grants, {})
    table, orders, organisation = tables.report, tables.orders, tables.organisation
    row = uow.connection.execute(
        select(table.c.number, table.c.state, organisation.c.legal_name, table.c.sha256, table.c.issued_at)
        .join(orders, orders.c.order_id == table.c.order_id)
        .join(organisation, organisation.c.organisation_id == orders.c.provider_id, isouter=True)
        .where(table.c.check_code == query.code.strip().upper(), table.c.issued_at.is_not(None))
    ).one_or_none()
    if row is None:
        raise NotFound
    return ReportCheck(
        number=row.number,
        state=row.state,
        provider_name=row.legal_name or "",
        sha256=row.sha256,
        issued_at=row.issued_at,
    )


def _contract(query: GetContract | GetContractDocument, uow: OrdersUnitOfWork) -> tuple[Contract, Order]:
    table = tables.contract
    row = uow.connection.execute(select(table).where(table.c.contract_id == query.contract_id)).one_or_none()
    if row is None:
        raise NotFound
    return CONTRACT.read(row), _order_of(row, uow)


def _report(query: GetReport | GetReportDocument, actor: Actor, uow: OrdersUnitOfWork) -> tuple[Report, Relation]:
    table = tables.report
    row = uow.connection.execute(select(table).where(table.c.report_id == query.report_id)).one_or_none()
    if row is None:
        raise NotFound
    report = REPORT.read(row)
    seen_as = _seen_as(actor, query.grants, _order_of(row, uow))
    if seen_as == "customer" and report.issued_at is None:
        raise NotFound
    return report, seen_as


def _order_of(row: Row[Any], uow: OrdersUnitOfWork) -> Order:
    table = tables.orders
    return ORDER.read(uow.connection.execute(select(table).where(table.c.order_id == row.order_id)).one())


def _seen_as(actor: Actor, grants: Grants, order: Order) -> Relation:
    return require(actor, grants, parties(order))


def _link(uow: OrdersUnitOfWork, key: str, sha256: str, size_bytes: int, name: str) -> DocumentLink:
    filename = f"{name}.pdf"
    return DocumentLink(
        url=uow.files.download_url(key, filename), sha256=sha256, size_bytes=size_bytes, filename=filename
    )
