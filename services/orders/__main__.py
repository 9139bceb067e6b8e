"""python -m services.orders serve | work | migrate"""

import sys
from pathlib import Path

from services.shared.chassis import patch

patch.if_serving()

from services.orders.adapters.unit_of_work import OrdersUnitOfWork
from services.orders.config import OrdersSettings
from services.shared.chassis.cli import main
from services.shared.chassis.definition import Definition

DEFINITION = Definition(
    name="orders",
    settings=OrdersSettings,
    unit_of_work=OrdersUnitOfWork,
    migrations=Path(__file__).parent / "migrations",
    entrypoints="services.orders.service:OrdersService",
    work="services.orders.subscriptions:work",
)

if __name__ == "__main__":
    sys.exit(main(DEFINITION))
