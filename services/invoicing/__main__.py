"""python -m services.invoicing serve | work | migrate"""

import sys
from pathlib import Path

from services.shared.chassis import patch

patch.if_serving()

from services.invoicing.adapters.unit_of_work import InvoicingUnitOfWork
from services.invoicing.config import InvoicingSettings
from services.shared.chassis.cli import main
from services.shared.chassis.definition import Definition

DEFINITION = Definition(
    name="invoicing",
    settings=InvoicingSettings,
    unit_of_work=InvoicingUnitOfWork,
    migrations=Path(__file__).parent / "migrations",
    entrypoints="services.invoicing.service:InvoicingService",
    work="services.invoicing.subscriptions:work",
)

if __name__ == "__main__":
    sys.exit(main(DEFINITION))
