"""Orders on real PostgreSQL and object store: each call in a transaction of its own, as the chassis does it."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import pytest
from sqlalchemy import Engine

from services.orders.adapters import files
from services.orders.adapters.unit_of_work import OrdersUnitOfWork
from services.orders.config import OrdersSettings, settings
from services.orders.subscriptions import work
from services.shared.chassis import database
from services.shared.chassis.clock import SystemClock
from services.shared.chassis.outside_calls import OutsideCaller
from services.shared.chassis.timers import Timers
from services.shared.chassis.unit_of_work import Cause, closing
from services.shared.kernel.actor import Actor
from services.shared.messages.base import Command, Event, Query, View
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
from tests.kit.platform import ServiceDatabase, fresh_database

V = TypeVar("V", bound=View)
T = TypeVar("T")

TABLES = (
    "organisation, provider, offering, commission_plan, referral, quotation_request, quotation_request_provider,"
    " quotation, orders, contract, sample, shipment, analysis, report, outbox, outside_call, timer, command_log"
)


class At:
    """A clock that stands at *instant*."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def wall(self) -> datetime:
        return self.instant

    def monotonic(self) -> float:
        return 0.0


class Orders:
    """*told*: wire names of the events of all committed calls, in order."""

    def __init__(self, target: ServiceDatabase, engine: Engine) -> None:
        self.database = target
        self.engine = engine
        self.work = work(OrdersSettings())
        self.told: list[str] = []

    def run(self, use_case: Callable[..., V], wanted: Command | Query, actor: Actor, now: datetime = NOW) -> V:
        who = f"organisation/{actor.organisation_id}"
        return self.within(lambda uow: use_case(wanted, actor=actor, uow=uow, now=now), who)

    def handle(self, use_case: Callable[..., object], event: Event, now: datetime = NOW) -> None:
        self.within(lambda uow: use_case(event, uow=uow, now=now))

    def within(self, deed: Callable[[OrdersUnitOfWork], T], actor: str = "") -> T:
        """What *deed* answers, in a transaction that is committed after it."""
        with database.transaction(self.engine, SystemClock()) as (held, _):
            uow = OrdersUnitOfWork(connection=held, cause=Cause("test", "test", actor), now=NOW)
            answer = deed(uow)
            statements, parameters = closing([uow])
            if statements:
                database.driver(held).cursor().execute(statements, parameters)
        self.told += [row.type for row in uow.outbox]
        return answer

    def do_outside(self, now: datetime = NOW) -> int:
        """Make every outside call that is due. Returns how many."""
        caller = OutsideCaller("orders", self.engine, At(now), OrdersUnitOfWork, self.work.outside_calls)
        made = 0
        with database.connection(self.engine) as held:
            while caller.call_once(held):
                made += 1
        return made

    def run_timers(self, now: datetime) -> int:
        """Run every timer that is due at *now*. Returns how many."""
        timers = Timers("orders", self.engine, At(now), OrdersUnitOfWork, self.work.timers)
        ran = 0
        with database.connection(self.engine) as held:
            while timers.run_once(held):
                ran += 1
        return ran

    def rows(self, statement: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        return self.database.rows(statement, parameters)

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
def empty_orders(orders_database: ServiceDatabase) -> Iterator[Orders]:
    """Nothing but the tables."""
    orders_database.change(
        f"ALTER TABLE order_step DISABLE TRIGGER USER; TRUNCATE {TABLES}, order_step;"
        "ALTER TABLE order_step ENABLE TRIGGER USER"
    )
    engine = orders_database.engine(30)
    yield Orders(orders_database, engine)
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
