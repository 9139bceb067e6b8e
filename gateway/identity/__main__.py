"""python -m gateway.identity work | migrate: the relay of identity's events. It serves from within the gateway."""

import sys
from pathlib import Path

from gateway.identity.adapters.unit_of_work import IdentityUnitOfWork
from gateway.identity.config import IdentitySettings
from services.shared.chassis.cli import main
from services.shared.chassis.definition import Definition

DEFINITION = Definition(
    name="identity",
    settings=IdentitySettings,
    unit_of_work=IdentityUnitOfWork,
    migrations=Path(__file__).parent / "migrations",
)

if __name__ == "__main__":
    sys.exit(main(DEFINITION))
