"""The repositories of one transaction of catalog."""

from functools import cached_property

from services.catalog.adapters.offerings import SqlListings, SqlOfferings
from services.catalog.adapters.repositories import SqlOrganisations, SqlProviders
from services.shared.chassis.unit_of_work import UnitOfWork


class CatalogUnitOfWork(UnitOfWork):
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
    def listings(self) -> SqlListings:
        return SqlListings(self.connection)
