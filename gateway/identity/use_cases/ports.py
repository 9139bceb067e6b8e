"""What identity's use cases need from outside."""

from typing import Protocol
from uuid import UUID

from gateway.identity.domain.api_key import ApiKey
from gateway.identity.domain.member import Member
from gateway.identity.domain.organisation import Organisation
from services.shared.messages.base import Event


class Organisations(Protocol):
    def add(self, organisation: Organisation) -> None:
        """Give it its number and store it. Raises AlreadyRegistered; OperatorExists for a second operator."""

    def get(self, organisation_id: UUID) -> Organisation:
        """Locked until the end of the transaction. Raises NotFound."""

    def save(self, organisation: Organisation) -> None: ...


class Members(Protocol):
    def add(self, member: Member) -> None:
        """Raises MailTaken."""

    def get(self, member_id: UUID) -> Member:
        """Locked until the end of the transaction. Raises NotFound."""

    def by_link(self, sha256: str) -> Member | None:
        """Whose one-time link it is, locked."""

    def of(self, organisation_id: UUID) -> list[Member]:
        """All who are not removed."""

    def save(self, member: Member) -> None: ...

    def end_sessions(self, member_id: UUID) -> None: ...


class ApiKeys(Protocol):
    def add(self, key: ApiKey) -> None: ...

    def get(self, api_key_id: UUID) -> ApiKey:
        """Locked until the end of the transaction. Raises NotFound."""

    def save(self, key: ApiKey) -> None: ...


class Secrets(Protocol):
    link_days: int

    def seed(self) -> str:
        """32 random bytes, in hexadecimal."""

    def link(self, seed: str) -> str:
        """The one-time link's secret that follows from *seed*."""

    def api_key(self, seed: str) -> str:
        """The API key's secret that follows from *seed*."""

    def hash_password(self, password: str) -> str:
        """Slow on purpose."""


class IdentityUnitOfWork(Protocol):
    @property
    def organisations(self) -> Organisations: ...

    @property
    def members(self) -> Members: ...

    @property
    def api_keys(self) -> ApiKeys: ...

    @property
    def secrets(self) -> Secrets: ...

    def publish(self, event: Event) -> UUID: ...
