"""Catalog on real PostgreSQL: each call in a transaction of its own, as the chassis does it."""

from collections.abc import Iterator

import pytest

from services.catalog.adapters.unit_of_work import CatalogUnitOfWork
from services.catalog.domain.offering import Offering
from services.catalog.domain.organisation import OrganisationCopy
from services.catalog.domain.provider import Provider
from tests.kit.fakes_catalog import NOW, a_provider, an_organisation
from tests.kit.platform import ServiceDatabase, fresh_database, still_there
from tests.kit.real_service import RealService


class Catalog(RealService[CatalogUnitOfWork]):
    """Catalog, and how things get into it."""

    def put(self, *things: Provider | OrganisationCopy | Offering) -> None:
        """Store *things* as they are; offerings get their number."""

        def store(uow: CatalogUnitOfWork) -> None:
            for thing in things:
                if isinstance(thing, Provider):
                    uow.providers.add(thing)
                elif isinstance(thing, OrganisationCopy):
                    uow.organisations.put(thing)
                else:
                    uow.offerings.add(thing)

        self.within(store)


@pytest.fixture(scope="session")
def catalog_database(stack: dict[str, str]) -> ServiceDatabase:
    return fresh_database(stack, "catalog")


@pytest.fixture
def empty_catalog(catalog_database: ServiceDatabase, stack: dict[str, str]) -> Iterator[Catalog]:
    """Nothing but the tables."""
    still_there(catalog_database, "offering", stack)
    catalog_database.change("TRUNCATE listing_text, listing, offering, framework_agreement, provider, organisation")
    engine = catalog_database.engine(10)
    yield Catalog(catalog_database, engine, CatalogUnitOfWork, NOW)
    engine.dispose()


@pytest.fixture
def catalog(empty_catalog: Catalog) -> Catalog:
    """With one approved provider."""
    empty_catalog.put(an_organisation(), a_provider())
    return empty_catalog
