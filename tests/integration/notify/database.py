"""Notify on a real database: transactions, and its timers and outside calls run by hand."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from services.notify.adapters.unit_of_work import NotifyUnitOfWork
from services.notify.domain.reference import OrderCopy
from services.notify.use_cases import organisation
from services.notify.use_cases.feed import append
from services.notify.use_cases.webhook_endpoint import register_webhook_endpoint
from services.shared.chassis import database
from services.shared.chassis.clock import SystemClock
from services.shared.chassis.definition import Work
from services.shared.chassis.outside_calls import OutsideCaller
from services.shared.chassis.timers import Timers
from services.shared.chassis.unit_of_work import Cause, closing
from services.shared.kernel.ids import new_id
from services.shared.messages.notify.webhook_endpoint import RegisterWebhookEndpoint
from tests.integration.notify.receiver import Receiver
from tests.kit.fakes_invoicing import (
    CUSTOMER_FINANCE,
    CUSTOMER_ID,
    NOW,
    OPERATOR_ID,
    ORDER_ID,
    PROVIDER_ID,
    STATION_ID,
    registered,
)
from tests.kit.notify_events import an_event
from tests.kit.platform import ServiceDatabase

ServiceDatabases = Callable[[str], ServiceDatabase]


@contextmanager
def transaction(
    engine: Engine, event_id: UUID | None = None, now: datetime | None = None
) -> Iterator[NotifyUnitOfWork]:
    """Committed at the end with all that it asked for, rolled back when something is raised."""
    with database.transaction(engine, SystemClock()) as (held, business_now):
        uow = NotifyUnitOfWork(held, Cause("test", str(event_id or new_id()), occurred_at=NOW), now or business_now)
        yield uow
        statements, parameters = closing([uow])
        if statements:
            database.driver(held).cursor().execute(statements, parameters)


def fill(engine: Engine) -> None:
    """The four parties and an order."""
    with transaction(engine) as uow:
        for kind, organisation_id in (
            ("operator", OPERATOR_ID), ("customer", CUSTOMER_ID), ("provider", PROVIDER_ID), ("station", STATION_ID),
        ):  # fmt: skip
            organisation.keep_copy(registered(kind, organisation_id), uow=uow, now=NOW)  # type: ignore[arg-type]
        uow.references.put_order(OrderCopy(ORDER_ID, "OR-2026-000001", CUSTOMER_ID, PROVIDER_ID))


def run_all(engine: Engine, work: Work, rounds: int = 100) -> int:
    """Run timers and outside calls that are due until there are none. Returns how many there were."""
    clock = SystemClock()
    timers = Timers("notify", engine, clock, NotifyUnitOfWork, work.timers)
    caller = OutsideCaller("notify", engine, clock, NotifyUnitOfWork, work.outside_calls)
    done = 0
    with database.connection(engine) as held:
        for _ in range(rounds):
            ran = timers.run_once(held) + caller.call_once(held)
            if not ran:
                break
            done += ran
    return done


def register(engine: Engine, receiver: Receiver, **changes: Any) -> None:
    command = RegisterWebhookEndpoint(**{"url": f"http://127.0.0.1:{receiver.port}/hook", **changes})
    with transaction(engine) as uow:
        view = register_webhook_endpoint(command, actor=CUSTOMER_FINANCE, uow=uow, now=uow.now, allow_insecure=True)
    assert view.secret is not None
    receiver.secret = view.secret


def happen(engine: Engine, *names: str) -> None:
    for name in names:
        with transaction(engine) as uow:
            append(an_event(name), uow=uow, now=uow.now)


def later(made: ServiceDatabase, delta: timedelta) -> None:
    """Move the business clock, and the wall clock of what was put off."""
    made.change("UPDATE clock SET offset_s = offset_s + %s", (delta.total_seconds(),))
