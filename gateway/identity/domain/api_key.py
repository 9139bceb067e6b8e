"""An API key: how a machine acts for an organisation."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.shared.kernel.actor import Role


@dataclass
class ApiKey:
    """*secret_sha256*: all that is kept of the secret, beside the *prefix* people know it by."""

    api_key_id: UUID
    organisation_id: UUID
    name: str
    prefix: str
    secret_sha256: str
    roles: tuple[Role, ...]
    created_by: UUID | None
    created_at: datetime
    revoked_at: datetime | None = None

    def revoke(self, now: datetime) -> None:
        """A second time changes nothing: what is wanted is that it does not hold."""
        self.revoked_at = self.revoked_at or now
