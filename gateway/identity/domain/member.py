"""A member: a person who acts for an organisation."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from gateway.identity.domain.organisation import ROLES, Kind
from services.shared.kernel.actor import Role
from services.shared.kernel.errors import Conflict, Invalid, NotAllowed
from services.shared.kernel.lifecycle import Lifecycle

MemberState = Literal["invited", "joined", "removed"]

LIFECYCLE: Lifecycle[MemberState] = Lifecycle(
    "member",
    {
        "join": {"invited": "joined"},
        "change": {"invited": "invited", "joined": "joined"},
        "remove": {"invited": "removed", "joined": "removed"},
    },
)

MANAGING: frozenset[Role] = frozenset({"approver", "lab_manager", "station_manager", "authority", "administrator"})
"""Roles that let others in."""


class RoleNotOfKind(Invalid):
    """Organisations of this kind do not have this role."""

    code = "identity.role_not_of_kind"


class RoleNotYours(NotAllowed):
    """Nobody gives a role that they do not have."""

    code = "identity.role_not_yours"


class MailTaken(Conflict):
    """Somebody is a member with this mail address already."""

    code = "identity.mail_taken"


class LinkInvalid(Invalid):
    """This link does not hold (any more)."""

    code = "identity.link_invalid"


class LastManager(Conflict):
    """Somebody must be left who can let others in."""

    code = "identity.last_manager"


@dataclass
class Member:
    """
    Attributes:
        mail: Lower case; nobody else who is not removed has it.
        password_hash: Argon2id; empty until they join.
        link_sha256: Of the one-time link's secret, empty when there is none (any more).
    """

    member_id: UUID
    organisation_id: UUID
    name: str
    mail: str
    language: str
    roles: tuple[Role, ...]
    state: MemberState
    invited_at: datetime
    joined_at: datetime | None = None
    password_hash: str = ""
    link_sha256: str = ""
    link_until: datetime | None = None
    version: int = 0

    def join(self, password_hash: str, now: datetime) -> None:
        """Raises WrongState: They joined before or were removed."""
        self.state = LIFECYCLE.after("join", self.state)
        self.joined_at = now
        self.password_hash = password_hash
        self.link_sha256, self.link_until = "", None

    def give(self, roles: tuple[Role, ...]) -> None:
        self.state = LIFECYCLE.after("change", self.state)
        self.roles = roles

    def remove(self) -> None:
        self.state = LIFECYCLE.after("remove", self.state)
        self.password_hash, self.link_sha256, self.link_until = "", "", None


def roles_for(kind: Kind, wanted: Iterable[Role]) -> tuple[Role, ...]:
    """
    *wanted* without repetitions, in the order of the kind.

    Raises:
        RoleNotOfKind: One of them belongs to another kind of organisation.
    """
    chosen = frozenset(wanted)
    foreign = sorted(chosen.difference(ROLES[kind]))
    if foreign:
        raise RoleNotOfKind(kind=kind, roles=list(foreign))
    return tuple(role for role in ROLES[kind] if role in chosen)
