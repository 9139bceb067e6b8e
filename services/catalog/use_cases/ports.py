"""What catalog's use cases need from outside."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.catalog.domain.offering import Offering
from services.catalog.domain.organisation import OrganisationCopy
from services.catalog.domain.provider import Provider
from services.catalog.domain.search import Listing
from services.shared.messages.base import Event


class Providers(Protocol):
    def add(self, provider: Provider) -> None:
        """Give it its number and store it. Raises AlreadyApplied."""

    def get(self, provider_id: UUID) -> Provider:
        """Locked until the end of the transaction. Raises NotFound."""

    def find_unchanging(self, provider_id: UUID) -> Provider | None:
        """Kept from changing until the end of the transaction; others may read it likewise."""

    def next_agreement_number(self, now: datetime) -> str:
        """The next of the platform's own series of framework agreements."""

    def save(self, provider: Provider) -> None:
        """With the number of its framework agreement, if it has one."""


class Offerings(Protocol):
    def add(self, offering: Offering) -> None:
        """Give it its number and store it."""

    def get_with_seller(self, offering_id: UUID) -> tuple[Offering, Provider]:
        """
        The offering, locked until the end of the transaction, and its provider, kept from changing as long.

        The provider is locked first, as its suspension does, so that neither waits for the other.

        Raises:
            NotFound
        """

    def save(self, offering: Offering) -> None: ...

    def hide_all(self, provider_id: UUID, reason: str) -> Sequence[Offering]:
        """Hide all published offerings of a suspended provider. Returns them, hidden, with their new version."""

    def show_all(self, provider_id: UUID) -> Sequence[Offering]:
        """Publish again what `hide_all` hid. Returns them, published."""


class Listings(Protocol):
    def put(self, listings: Sequence[Listing]) -> None:
        """Make them found; those that are found already are found as these say."""

    def remove(self, offering_ids: Sequence[UUID]) -> None: ...


class Organisations(Protocol):
    def put(self, organisation: OrganisationCopy) -> None: ...

    def find(self, organisation_id: UUID) -> OrganisationCopy | None: ...


class CatalogUnitOfWork(Protocol):
    @property
    def providers(self) -> Providers: ...

    @property
    def offerings(self) -> Offerings: ...

    @property
    def listings(self) -> Listings: ...

    @property
    def organisations(self) -> Organisations: ...

    def publish(self, event: Event) -> UUID: ...
