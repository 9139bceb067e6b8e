"""python -m services.billing serve | work | migrate | verify-ledger"""

import sys
from pathlib import Path

from services.shared.chassis import patch

patch.if_serving()

from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.config import BillingSettings
from services.shared.chassis.cli import main
from services.shared.chassis.definition import Definition

DEFINITION = Definition(
    name="billing",
    settings=BillingSettings,
    unit_of_work=BillingUnitOfWork,
    migrations=Path(__file__).parent / "migrations",
    entrypoints="services.billing.service:BillingService",
    work="services.billing.subscriptions:work",
    commands={"verify-ledger": "services.billing.adapters.ledger_verification:run"},
)

if __name__ == "__main__":
    sys.exit(main(DEFINITION))
