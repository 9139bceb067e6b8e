"""Members: people who act for an organisation. Personal data stand in these events and nowhere else."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from services.shared.kernel.actor import Grants, Role
from services.shared.messages.base import Command, Event, Instant, Name, Page, Query, View

Language = Literal["zh", "en"]
MemberState = Literal["invited", "joined", "removed"]

Mail = Annotated[
    str, StringConstraints(pattern=r"^[^@\s<>,;\"]{1,64}@[A-Za-z0-9.-]{1,180}$", to_lower=True, strip_whitespace=True)
]
"""An address of one person, in lower case."""

Password = Annotated[str, StringConstraints(min_length=10, max_length=200)]
Seed = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

MANAGERS: Grants = {
    "self": frozenset({"approver", "lab_manager", "station_manager", "authority", "administrator"}),
    "operator": frozenset({"administrator"}),
}
"""Who lets members and machines in, and changes what an organisation says of itself."""


class MemberView(View):
    member_id: UUID
    organisation_id: UUID
    name: str
    mail: str
    language: Language
    roles: tuple[Role, ...]
    state: MemberState
    invited_at: Instant
    joined_at: Instant | None


class MemberInvitation(View):
    """
    A member and the seed of their one-time link.

    Attributes:
        link_seed: The link's secret follows from it and the gateway's own secret. So the answer can be kept
            for a caller who asks again under the same key, without keeping a secret. Empty: no link.
    """

    member: MemberView
    link_seed: str


class InviteMember(Command):
    """
    Let a person in, with roles that the organisation's kind has. → MemberInvitation

    Attributes:
        password: Initial password, told to them by whoever invites; none: a one-time link, valid for 7 days.
    """

    wire_name: ClassVar = "identity.invite_member"
    grants: ClassVar[Grants] = MANAGERS

    organisation_id: UUID
    name: Name
    mail: Mail
    language: Language = "zh"
    roles: Annotated[tuple[Role, ...], Field(min_length=1, max_length=20)]
    password: Password | None = None


class JoinAsMember(Command):
    """Whoever holds the one-time link sets the password. → MemberView"""

    wire_name: ClassVar = "identity.join_as_member"
    grants: ClassVar[Grants] = {"anyone": frozenset()}

    token: Annotated[str, StringConstraints(min_length=20, max_length=200)]
    password: Password


class ChangeMember(Command):
    """Other roles. Nobody takes the last manager's roles away. → MemberView"""

    wire_name: ClassVar = "identity.change_member"
    grants: ClassVar[Grants] = MANAGERS

    member_id: UUID
    roles: Annotated[tuple[Role, ...], Field(min_length=1, max_length=20)]


class RemoveMember(Command):
    """They may no longer act, at once: their sessions end. → MemberView"""

    wire_name: ClassVar = "identity.remove_member"
    grants: ClassVar[Grants] = MANAGERS

    member_id: UUID


class ListMembers(Query):
    """→ MemberPage, oldest first"""

    wire_name: ClassVar = "identity.list_members"
    grants: ClassVar[Grants] = {"self": frozenset(), "operator": frozenset({"administrator"})}

    organisation_id: UUID
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class MemberPage(Page):
    items: tuple[MemberView, ...]


class MemberJoined(Event):
    """A person may act for an organisation from now on, or with other roles than before."""

    wire_name: ClassVar = "member.joined.v1"
    source: ClassVar = "identity"
    stream_of: ClassVar = ("member", "member_id")

    member_id: UUID
    organisation_id: UUID
    name: str
    mail: str
    language: Language
    roles: tuple[Role, ...]


class MemberRemoved(Event):
    """A person may no longer act for an organisation."""

    wire_name: ClassVar = "member.removed.v1"
    source: ClassVar = "identity"
    stream_of: ClassVar = ("member", "member_id")

    member_id: UUID
    organisation_id: UUID
