"""Transactions of invoicing on a real database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Engine

from services.invoicing.adapters.unit_of_work import InvoicingUnitOfWork
from services.invoicing.use_cases import order, organisation
from services.shared.chassis import database
from services.shared.chassis.clock import SystemClock
from services.shared.chassis.unit_of_work import Cause, closing
from services.shared.kernel.ids import new_id
from services.shared.messages.orders.order import OrderContracted
from tests.kit.fakes_invoicing import CUSTOMER_ID, NOW, OPERATOR_ID, registered
from tests.kit.platform import ServiceDatabase

ServiceDatabases = Callable[[str], ServiceDatabase]


@contextmanager
def transaction(engine: Engine, now: datetime = NOW) -> Iterator[InvoicingUnitOfWork]:
    """Committed at the end with all that it asked for, rolled back when something is raised."""
    with database.transaction(engine, SystemClock()) as (held, _):
        uow = InvoicingUnitOfWork(held, Cause("test", str(new_id())), now)
        yield uow
        statements, parameters = closing([uow])
        if statements:
            database.driver(held).cursor().execute(statements, parameters)


def fill(engine: Engine, *orders: OrderContracted) -> None:
    """The copies that invoicing *orders* needs."""
    with transaction(engine) as uow:
        organisation.keep_copy(registered("operator", OPERATOR_ID), uow=uow, now=NOW)
        organisation.keep_copy(registered("customer", CUSTOMER_ID), uow=uow, now=NOW)
        for each in orders:
            order.keep_copy(each, uow=uow, now=NOW)
