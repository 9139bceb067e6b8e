"""Quotation requests and quotations: rows ⇄ aggregates. The request's row is the lock of its quotations."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, insert, select

from services.orders.adapters import tables
from services.orders.adapters.rows import Rows
from services.orders.domain.quotation import Quotation
from services.orders.domain.quotation_request import QuotationRequest
from services.shared.kernel.errors import NotFound

REQUEST = Rows(QuotationRequest, tables.quotation_request)
QUOTATION = Rows(Quotation, tables.quotation)


class SqlQuotationRequests:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, request: QuotationRequest) -> None:
        values = REQUEST.values(request) | {"number": func.next_number("QR", request.opened_at)}
        request.number = self.connection.execute(
            insert(tables.quotation_request).values(values).returning(tables.quotation_request.c.number)
        ).scalar_one()
        self.connection.execute(
            insert(tables.quotation_request_provider),
            [
                {
                    "provider_id": provider_id,
                    "opened_at": request.opened_at,
                    "quotation_request_id": request.quotation_request_id,
                }
                for provider_id in request.provider_ids
            ],
        )

    def get(self, quotation_request_id: UUID) -> QuotationRequest:
        return self._locked(tables.quotation_request.c.quotation_request_id == quotation_request_id)

    def of_quotation(self, quotation_id: UUID) -> QuotationRequest:
        table = tables.quotation
        return self._locked(
            tables.quotation_request.c.quotation_request_id
            == select(table.c.quotation_request_id).where(table.c.quotation_id == quotation_id).scalar_subquery()
        )

    def _locked(self, condition: Any) -> QuotationRequest:
        row = self.connection.execute(
            select(tables.quotation_request).where(condition).with_for_update()
        ).one_or_none()  # fmt: skip
        if row is None:
            raise NotFound
        return REQUEST.read(row)

    def save(self, request: QuotationRequest) -> None:
        table = tables.quotation_request
        self.connection.execute(
            table.update()
            .where(table.c.quotation_request_id == request.quotation_request_id)
            .values(state=request.state, priced_by_company=request.priced_by_company)
        )


class SqlQuotations:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, quotation: Quotation) -> None:
        values = QUOTATION.values(quotation) | {"number": func.next_number("QT", quotation.sent_at)}
        quotation.number = self.connection.execute(
            insert(tables.quotation).values(values).returning(tables.quotation.c.number)
        ).scalar_one()

    def of_request(self, quotation_request_id: UUID) -> list[Quotation]:
        table = tables.quotation
        rows = self.connection.execute(
            select(table)
            .where(table.c.quotation_request_id == quotation_request_id)
            .order_by(table.c.sent_at, table.c.quotation_id)
        )
        return [QUOTATION.read(row) for row in rows]

    def save(self, quotation: Quotation) -> None:
        table = tables.quotation
        values = QUOTATION.values(quotation)
        self.connection.execute(
            table.update()
            .where(table.c.quotation_id == quotation.quotation_id)
            .values(
                state=quotation.state,
                counter_offer=quotation.counter_offer,
                counter_net=values["counter_net"],
                lines=values["lines"],
                amounts=values["amounts"],
                provider_side=values["provider_side"],
                reason=quotation.reason,
                order_id=quotation.order_id,
            )
        )
