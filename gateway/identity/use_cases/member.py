"""Letting people in, and out."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256

from gateway.identity.domain.member import (
    MANAGING,
    LastManager,
    LinkInvalid,
    Member,
    RoleNotYours,
    roles_for,
)
from gateway.identity.domain.organisation import Organisation
from gateway.identity.use_cases.ports import IdentityUnitOfWork
from services.shared.kernel.actor import Actor, Role, require
from services.shared.kernel.ids import new_id
from services.shared.messages.identity.member import (
    ChangeMember,
    InviteMember,
    JoinAsMember,
    Language,
    MemberInvitation,
    MemberJoined,
    MemberRemoved,
    MemberView,
    RemoveMember,
)


def invite_member(command: InviteMember, *, actor: Actor, uow: IdentityUnitOfWork, now: datetime) -> MemberInvitation:
    """By whoever manages the organisation; roles of its kind only."""
    organisation = uow.organisations.get(command.organisation_id)
    require(actor, command.grants, {"self": organisation.organisation_id})
    roles = roles_for(organisation.kind, command.roles)
    person, seed = let_in(
        organisation, command.name, command.mail, command.language, roles, command.password, uow=uow, now=now
    )
    return MemberInvitation(member=view(person), link_seed=seed)


def let_in(
    organisation: Organisation,
    name: str,
    mail: str,
    language: Language,
    roles: tuple[Role, ...],
    password: str | None,
    *,
    uow: IdentityUnitOfWork,
    now: datetime,
) -> tuple[Member, str]:
    """Add a member who joins at once by *password*, or later by the one-time link of the returned seed."""
    seed = "" if password is not None else uow.secrets.seed()
    person = Member(
        member_id=new_id(),
        organisation_id=organisation.organisation_id,
        name=name,
        mail=mail.lower(),
        language=language,
        roles=roles,
        state="invited",
        invited_at=now,
        link_sha256=sha256(uow.secrets.link(seed).encode()).hexdigest() if seed else "",
        link_until=now + timedelta(days=uow.secrets.link_days) if seed else None,
    )
    if password is not None:
        person.join(uow.secrets.hash_password(password), now)
    uow.members.add(person)
    if person.state == "joined":
        uow.publish(_joined(person))
    return person, seed


def join_as_member(command: JoinAsMember, *, actor: Actor, uow: IdentityUnitOfWork, now: datetime) -> MemberView:
    """Whoever holds the link is who was invited. It holds once."""
    require(actor, command.grants, {})
    person = uow.members.by_link(sha256(command.token.encode()).hexdigest())
    if person is None or person.link_until is None or now > person.link_until:
        raise LinkInvalid
    person.join(uow.secrets.hash_password(command.password), now)
    uow.members.save(person)
    uow.publish(_joined(person))
    return view(person)


def change_member(command: ChangeMember, *, actor: Actor, uow: IdentityUnitOfWork, now: datetime) -> MemberView:
    """Other roles."""
    del now
    person, organisation = _load(command, actor, uow)
    roles = roles_for(organisation.kind, command.roles)
    if not MANAGING.intersection(roles):
        _somebody_left(person, uow)
    if set(roles) != set(person.roles):
        person.give(roles)
        uow.members.save(person)
        if person.state == "joined":
            uow.publish(_joined(person))
    return view(person)


def remove_member(command: RemoveMember, *, actor: Actor, uow: IdentityUnitOfWork, now: datetime) -> MemberView:
    """Their sessions end with it."""
    del now
    person, _ = _load(command, actor, uow)
    _somebody_left(person, uow)
    person.remove()
    uow.members.save(person)
    uow.members.end_sessions(person.member_id)
    uow.publish(MemberRemoved(member_id=person.member_id, organisation_id=person.organisation_id))
    return view(person)


def _load(command: ChangeMember | RemoveMember, actor: Actor, uow: IdentityUnitOfWork) -> tuple[Member, Organisation]:
    person = uow.members.get(command.member_id)
    require(actor, command.grants, {"self": person.organisation_id})
    # The organisation's lock makes two managers who remove each other at the same time wait.
    return person, uow.organisations.get(person.organisation_id)


def _somebody_left(person: Member, uow: IdentityUnitOfWork) -> None:
    others = (other for other in uow.members.of(person.organisation_id) if other.member_id != person.member_id)
    if not any(other.state == "joined" and MANAGING.intersection(other.roles) for other in others):
        raise LastManager


def only_own(actor: Actor, roles: Iterable[Role]) -> None:
    """
    Raises:
        RoleNotYours: Nobody hands out through a machine what they do not have.
    """
    foreign = sorted(set(roles).difference(actor.roles))
    if foreign:
        raise RoleNotYours(roles=list(foreign))


def _joined(person: Member) -> MemberJoined:
    return MemberJoined(
        member_id=person.member_id,
        organisation_id=person.organisation_id,
        name=person.name,
        mail=person.mail,
        language=person.language,  # type: ignore[arg-type] # checked when it came in
        roles=person.roles,
    )


def view(person: Member) -> MemberView:
    return MemberView(
        member_id=person.member_id,
        organisation_id=person.organisation_id,
        name=person.name,
        mail=person.mail,
        language=person.language,  # type: ignore[arg-type] # checked when it came in
        roles=person.roles,
        state=person.state,
        invited_at=person.invited_at,
        joined_at=person.joined_at,
    )
