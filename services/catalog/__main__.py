"""python -m services.catalog serve | work | migrate"""

import sys
from pathlib import Path

from services.shared.chassis import patch

patch.if_serving()

from services.catalog.adapters.unit_of_work import CatalogUnitOfWork
from services.catalog.config import CatalogSettings
from services.shared.chassis.cli import main
from services.shared.chassis.definition import Definition

DEFINITION = Definition(
    name="catalog",
    settings=CatalogSettings,
    unit_of_work=CatalogUnitOfWork,
    migrations=Path(__file__).parent / "migrations",
    entrypoints="services.catalog.service:CatalogService",
    work="services.catalog.subscriptions:work",
)

if __name__ == "__main__":
    sys.exit(main(DEFINITION))
