"""The repositories of one transaction of invoicing."""

from functools import cached_property

from services.invoicing.adapters.red_letter_repository import SqlRedLetters
from services.invoicing.adapters.repositories import (
    SqlInvoices,
    SqlNumberSeries,
    SqlOrders,
    SqlOrganisations,
    SqlReceivedInvoices,
    SqlSettlements,
    SqlTaxPoints,
)
from services.invoicing.adapters.seller_invoices import SqlSellerInvoices
from services.invoicing.adapters.uninvoiced_repository import SqlUninvoiced
from services.shared.chassis.unit_of_work import UnitOfWork


class InvoicingUnitOfWork(UnitOfWork):
    @cached_property
    def organisations(self) -> SqlOrganisations:
        return SqlOrganisations(self.connection)

    @cached_property
    def orders(self) -> SqlOrders:
        return SqlOrders(self.connection)

    @cached_property
    def settlements(self) -> SqlSettlements:
        return SqlSettlements(self.connection)

    @cached_property
    def seller_invoices(self) -> SqlSellerInvoices:
        return SqlSellerInvoices(self.connection)

    @cached_property
    def tax_points(self) -> SqlTaxPoints:
        return SqlTaxPoints(self.connection)

    @cached_property
    def number_series(self) -> SqlNumberSeries:
        return SqlNumberSeries(self.connection)

    @cached_property
    def invoices(self) -> SqlInvoices:
        return SqlInvoices(self.connection)

    @cached_property
    def uninvoiced(self) -> SqlUninvoiced:
        return SqlUninvoiced(self.connection)

    @cached_property
    def red_letters(self) -> SqlRedLetters:
        return SqlRedLetters(self.connection)

    @cached_property
    def received_invoices(self) -> SqlReceivedInvoices:
        return SqlReceivedInvoices(self.connection)
