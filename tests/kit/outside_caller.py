"""Billing's outside calls in a process of their own, to be killed: `python -m tests.kit.outside_caller`."""

import threading

from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.config import settings
from services.billing.subscriptions import work
from services.shared.chassis import database
from services.shared.chassis.clock import SystemClock
from services.shared.chassis.outside_calls import OutsideCaller

if __name__ == "__main__":
    own = settings()
    OutsideCaller(
        "billing", database.engine(own.database_url, name="outside", pool_size=2), SystemClock(), BillingUnitOfWork,
        work(own).outside_calls,
    ).run(threading.Event())  # fmt: skip
