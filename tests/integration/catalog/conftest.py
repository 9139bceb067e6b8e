"""Catalog on real PostgreSQL: each call in a transaction of its own, as the chassis does it."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeVar

import pytest
from sqlalchemy import Engine

from services.catalog.adapters.unit_of_work import CatalogUnitOfWork
from services.catalog.domain.offering import Offering
from services.catalog.domain.organisation import OrganisationCopy
from services.catalog.domain.provider import Provider
from services.shared.chassis import database
from services.shared.chassis.clock import SystemClock
from services.shared.chassis.unit_of_work import Cause
from services.shared.kernel.actor import Actor
from services.shared.messages.base import Command, Query, View
from tests.kit.fakes_catalog import NOW, a_provider, an_organisation
from tests.kit.platform import ServiceDatabase, fresh_database

V = TypeVar("V", bound=View)
T = TypeVar("T")


class Catalog:
    """*told*: wire names of the events of all committed calls, in order."""

    def __init__(self, target: ServiceDatabase, engine: Engine) -> None:
        self.database = target
        self.engine = engine
        self.told: list[str] = []

    def run(self, use_case: Callable[..., V], wanted: Command | Query, actor: Actor, now: datetime = NOW) -> V:
        return self.within(lambda uow: use_case(wanted, actor=actor, uow=uow, now=now))

    def within(self, work: Callable[[CatalogUnitOfWork], T]) -> T:
        """What *work* answers, in a transaction that is committed after it."""
        with database.transaction(self.engine, SystemClock()) as (held, _):
            uow = CatalogUnitOfWork(connection=held, cause=Cause("test", "test"), now=NOW)
            answer = work(uow)
        self.told += [row.type for row in uow.outbox]
        return answer

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

    def rows(self, statement: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        return self.database.rows(statement, parameters)


@pytest.fixture(scope="session")
def catalog_database(stack: dict[str, str]) -> ServiceDatabase:
    return fresh_database(stack, "catalog")


@pytest.fixture
def empty_catalog(catalog_database: ServiceDatabase) -> Iterator[Catalog]:
    """Nothing but the tables."""
    catalog_database.change("TRUNCATE listing_text, listing, offering, provider, organisation")
    engine = catalog_database.engine(10)
    yield Catalog(catalog_database, engine)
    engine.dispose()


@pytest.fixture
def catalog(empty_catalog: Catalog) -> Catalog:
    """With one approved provider."""
    empty_catalog.put(an_organisation(), a_provider())
    return empty_catalog
