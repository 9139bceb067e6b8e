"""API keys: how machines sign in."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants, Role
from services.shared.messages.base import Command, Instant, Name, Page, Query, View
from services.shared.messages.identity.member import MANAGERS


class ApiKeyView(View):
    """*prefix*: the part of the secret by which people tell keys apart; the rest is not kept."""

    api_key_id: UUID
    organisation_id: UUID
    name: str
    prefix: str
    roles: tuple[Role, ...]
    created_at: Instant
    revoked_at: Instant | None


class ApiKeyIssued(View):
    """*seed*: the secret follows from it and the gateway's own secret (see `MemberInvitation`)."""

    api_key: ApiKeyView
    seed: str


class CreateApiKey(Command):
    """For the own organisation, with no roles that the maker does not have. → ApiKeyIssued"""

    wire_name: ClassVar = "identity.create_api_key"
    grants: ClassVar[Grants] = MANAGERS

    name: Name
    roles: Annotated[tuple[Role, ...], Field(min_length=1, max_length=20)]


class RevokeApiKey(Command):
    """→ ApiKeyView"""

    wire_name: ClassVar = "identity.revoke_api_key"
    grants: ClassVar[Grants] = MANAGERS

    api_key_id: UUID


class ListApiKeys(Query):
    """The own organisation's. → ApiKeyPage, newest first"""

    wire_name: ClassVar = "identity.list_api_keys"
    grants: ClassVar[Grants] = MANAGERS

    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ApiKeyPage(Page):
    items: tuple[ApiKeyView, ...]
