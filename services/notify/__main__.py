"""python -m services.notify serve | work | migrate"""

import sys
from pathlib import Path

from services.shared.chassis import patch

patch.if_serving()

from services.notify.adapters.unit_of_work import NotifyUnitOfWork
from services.notify.config import NotifySettings
from services.shared.chassis.cli import main
from services.shared.chassis.definition import Definition

DEFINITION = Definition(
    name="notify",
    settings=NotifySettings,
    unit_of_work=NotifyUnitOfWork,
    migrations=Path(__file__).parent / "migrations",
    entrypoints="services.notify.service:NotifyService",
    work="services.notify.subscriptions:work",
)

if __name__ == "__main__":
    sys.exit(main(DEFINITION))
