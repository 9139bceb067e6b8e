"""Orders on real PostgreSQL and object store: each call in a transaction of its own, as the chassis does it."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import pytest

from services.orders.adapters import files
from services.orders.adapters.unit_of_work import OrdersUnitOfWork
from services.orders.config import OrdersSettings, settings
from services.orders.subscriptions import work
from services.shared.messages.orders.order import OfferingWanted, OrderReceipt, PlaceOrder
from tests.kit.fakes_orders import (
    NOW,
    OFFERING_ID,
    OPERATOR_ID,
    PROVIDER_ID,
    REQUESTER,
    a_plan,
    a_provider,
    an_offering,
    an_organisation,
)
from tests.kit.platform import ServiceDatabase, fresh_database, still_there
from tests.kit.real_service import RealService

TABLES = (
    "organisation", "provider", "offering", "commission_plan", "referral", "collection_agreement",
    "quotation_request", "quotation_request_provider", "quotation", "orders", "contract", "sample", "shipment",
    "analysis", "report", "dispute", "outbox", "outside_call", "timer", "command_log", "order_step",
)  # fmt: skip


class Orders(RealService[OrdersUnitOfWork]):
    """Orders, and how the first one is placed."""

    def place(self, quantity: int = 3, offering_id: UUID = OFFERING_ID, now: datetime = NOW) -> OrderReceipt:
        from services.orders.use_cases.order import place_order

        wanted = PlaceOrder(
            offerings=(OfferingWanted(offering_id=offering_id, quantity=quantity),), payment_method="card"
        )
        return self.run(place_order, wanted, REQUESTER, now)


@pytest.fixture(scope="session")
def orders_database(stack: dict[str, str]) -> ServiceDatabase:
    settings.cache_clear()
    files.store.cache_clear()
    return fresh_database(stack, "orders")


@pytest.fixture
def empty_orders(orders_database: ServiceDatabase, stack: dict[str, str]) -> Iterator[Orders]:
    """Nothing but the tables."""
    still_there(orders_database, "order_step", stack)
    orders_database.clear(TABLES)
    engine = orders_database.engine(30)
    yield Orders(orders_database, engine, OrdersUnitOfWork, NOW, work(OrdersSettings()))
    engine.dispose()


@pytest.fixture
def orders(empty_orders: Orders) -> Orders:
    """Customer, provider with an offering, company, and a commission plan in force."""

    def fill(uow: OrdersUnitOfWork) -> None:
        uow.organisations.put(an_organisation())
        uow.organisations.put(an_organisation(PROVIDER_ID, "provider"))
        uow.organisations.put(an_organisation(OPERATOR_ID, "operator"))
        uow.providers.put(a_provider())
        uow.offerings.put(an_offering())
        uow.commission.put_plan(a_plan())

    empty_orders.within(fill)
    return empty_orders
