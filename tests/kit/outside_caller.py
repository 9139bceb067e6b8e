"""A service's outside calls in a process of their own, to be killed: `python -m tests.kit.outside_caller billing`."""

import sys
import threading

from services.shared.chassis import database
from services.shared.chassis.clock import SystemClock
from services.shared.chassis.definition import find
from services.shared.chassis.outside_calls import OutsideCaller

if __name__ == "__main__":
    definition = find(sys.argv[1])
    own = definition.settings()
    OutsideCaller(
        definition.name, database.engine(own.database_url, name="outside", pool_size=2), SystemClock(),
        definition.unit_of_work, definition.load_work(own).outside_calls,
    ).run(threading.Event())  # fmt: skip
