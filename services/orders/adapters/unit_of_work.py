"""The repositories of one transaction of orders."""

from functools import cached_property
from uuid import UUID

from services.orders.adapters import files, order_view
from services.orders.adapters.collection_agreements import SqlCollectionAgreements
from services.orders.adapters.copies import (
    SqlCommission,
    SqlCreditLines,
    SqlOfferings,
    SqlOrganisations,
    SqlProviders,
)
from services.orders.adapters.order_rows import (
    SqlAnalyses,
    SqlContracts,
    SqlDisputes,
    SqlOrders,
    SqlReports,
    SqlSamples,
    SqlShipments,
)
from services.orders.adapters.quotation_rows import SqlQuotationRequests, SqlQuotations
from services.orders.config import settings
from services.orders.domain.policy import Policy
from services.shared.chassis.object_store import ObjectStore
from services.shared.chassis.unit_of_work import UnitOfWork
from services.shared.kernel.actor import Relation
from services.shared.messages.orders.order import OrderView


class OrdersUnitOfWork(UnitOfWork):
    @cached_property
    def organisations(self) -> SqlOrganisations:
        return SqlOrganisations(self.connection)

    @cached_property
    def providers(self) -> SqlProviders:
        return SqlProviders(self.connection)

    @cached_property
    def offerings(self) -> SqlOfferings:
        return SqlOfferings(self.connection)

    @cached_property
    def commission(self) -> SqlCommission:
        return SqlCommission(self.connection)

    @cached_property
    def collection_agreements(self) -> SqlCollectionAgreements:
        return SqlCollectionAgreements(self.connection)

    @cached_property
    def credit_lines(self) -> SqlCreditLines:
        return SqlCreditLines(self.connection)

    @cached_property
    def quotation_requests(self) -> SqlQuotationRequests:
        return SqlQuotationRequests(self.connection)

    @cached_property
    def quotations(self) -> SqlQuotations:
        return SqlQuotations(self.connection)

    @cached_property
    def orders(self) -> SqlOrders:
        return SqlOrders(self.connection, self.cause.actor)

    @cached_property
    def contracts(self) -> SqlContracts:
        return SqlContracts(self.connection)

    @cached_property
    def samples(self) -> SqlSamples:
        return SqlSamples(self.connection)

    @cached_property
    def shipments(self) -> SqlShipments:
        return SqlShipments(self.connection)

    @cached_property
    def analyses(self) -> SqlAnalyses:
        return SqlAnalyses(self.connection)

    @cached_property
    def reports(self) -> SqlReports:
        return SqlReports(self.connection)

    @cached_property
    def disputes(self) -> SqlDisputes:
        return SqlDisputes(self.connection)

    @cached_property
    def policy(self) -> Policy:
        return settings().policy()

    @property
    def files(self) -> ObjectStore:
        return files.store()

    def order_view(self, order_id: UUID, seen_as: Relation) -> OrderView:
        return order_view.read(self.connection, order_id, lambda _order: seen_as)
