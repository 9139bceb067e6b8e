"""
A tiny service on the real chassis and Nameko, for tests of ways in by RPC.

It stands in billing's place, with its database and broker user, and answers one of its commands.
Imported by nothing but its own process: it brings eventlet along.
"""

from datetime import datetime
from pathlib import Path

import eventlet

from services.shared.chassis.definition import Definition
from services.shared.chassis.entrypoints import ServiceBase, command
from services.shared.chassis.unit_of_work import UnitOfWork
from services.shared.kernel.actor import Actor
from services.shared.messages.billing.payment import RecordStripeEvent, StripeEventReceipt
from tests.kit.probe import BillingProbeSettings

SECRET = "what nobody outside may read"


def deed(wanted: RecordStripeEvent, *, actor: Actor, uow: UnitOfWork, now: datetime) -> StripeEventReceipt:
    """The effect is one row with the body in it, whose first word says what goes wrong."""
    del actor, now
    uow.connection.exec_driver_sql("INSERT INTO effect (stream, number) VALUES ('call', %s)", (wanted.body,))
    how = wanted.body.partition(" ")[0]
    if how == "bug":
        raise RuntimeError(SECRET)
    if how == "sql":
        uow.connection.exec_driver_sql("SELECT %s FROM nowhere", (SECRET,))
    if how == "timeout":
        raise eventlet.Timeout(1, SECRET)
    if how == "exit":
        raise SystemExit(SECRET)
    if how == "slow":
        eventlet.sleep(1)
    return StripeEventReceipt(stripe_event_id=wanted.body, seen_before=False)


class ProbeService(ServiceBase):
    name = "billing"
    record_stripe_event = command(RecordStripeEvent, deed)


DEFINITION = Definition(
    "billing", BillingProbeSettings, UnitOfWork, Path(), entrypoints="tests.kit.probe_service.service:ProbeService"
)
