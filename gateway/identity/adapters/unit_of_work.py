"""The repositories of one transaction of identity."""

from dataclasses import dataclass
from functools import cached_property

from gateway.identity.adapters.repositories import SqlApiKeys, SqlMembers, SqlOrganisations
from gateway.identity.adapters.secrets import GatewaySecrets
from services.shared.chassis.unit_of_work import UnitOfWork


@dataclass
class IdentityUnitOfWork(UnitOfWork):
    """*secrets* are the gateway's; `work`, which only relays, has none."""

    secrets: GatewaySecrets | None = None

    @cached_property
    def organisations(self) -> SqlOrganisations:
        return SqlOrganisations(self.connection)

    @cached_property
    def members(self) -> SqlMembers:
        return SqlMembers(self.connection)

    @cached_property
    def api_keys(self) -> SqlApiKeys:
        return SqlApiKeys(self.connection)
