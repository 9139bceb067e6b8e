"""Organisations and their members."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import Anyone, Caller, JsonBody, Signed, client_address
from gateway.schemas.base import Listed
from gateway.schemas.identity import (
    InvitedMember,
    Member,
    MemberChange,
    MemberJoining,
    MemberPage,
    MemberToInvite,
    Organisation,
    OrganisationChange,
    OrganisationPage,
    OrganisationsListed,
    OrganisationToRegister,
    RegisteredOrganisation,
    Verification,
)
from services.shared.messages.identity import member as member_messages
from services.shared.messages.identity import organisation as messages

router = APIRouter(prefix="/v1", tags=["identity"])


def one_time_link(caller: Caller, seed: str) -> str | None:
    """The address that a person opens to set their password."""
    if not seed:
        return None
    return f"{caller.gateway.settings.public_url}/join?token={caller.gateway.identity.secrets.link(seed)}"


def _take_registration(request: Request, caller: Anyone) -> Caller:
    caller.gateway.registrations.take(client_address(request))
    return caller


@router.post("/organisations", status_code=problems.CREATED, response_model=RegisteredOrganisation)
def register_organisation(
    caller: Annotated[Caller, Depends(_take_registration)],
    body: Annotated[OrganisationToRegister, Depends(JsonBody(OrganisationToRegister))],
) -> Response:
    """Sign an organisation up, with its first member. Public; the operating company verifies it afterwards."""
    made = caller.ask(messages.RegisterOrganisation(**dict(body)), messages.OrganisationRegistration)
    secrets = caller.gateway.identity.secrets
    answer = RegisteredOrganisation(
        organisation=Organisation.of(made.organisation),
        member=Member.of(made.member),
        one_time_link=one_time_link(caller, made.link_seed),
        api_key_id=made.api_key_id,
        api_key=secrets.api_key(made.api_key_seed) if made.api_key_seed else None,
    )
    return created(answer, f"/v1/organisations/{made.organisation.organisation_id}")


@router.get("/organisations", response_model=OrganisationPage)
def list_organisations(caller: Signed, listed: Annotated[OrganisationsListed, Query()]) -> Response:
    return ok(OrganisationPage.of(caller.ask(messages.ListOrganisations(**dict(listed)), messages.OrganisationPage)))


@router.get("/organisations/{organisation_id}", response_model=Organisation)
def get_organisation(caller: Signed, organisation_id: UUID) -> Response:
    asked = messages.GetOrganisation(organisation_id=organisation_id)
    return ok(Organisation.of(caller.ask(asked, messages.OrganisationView).organisation))


@router.post("/organisations/{organisation_id}", response_model=Organisation)
def change_organisation(
    caller: Signed,
    organisation_id: UUID,
    body: Annotated[OrganisationChange, Depends(JsonBody(OrganisationChange))],
) -> Response:
    """Change particulars; what is left out stays. Another name or bank account must be verified again."""
    command = messages.ChangeOrganisation(organisation_id=organisation_id, **dict(body))
    return ok(Organisation.of(caller.ask(command, messages.OrganisationView).organisation))


@router.post("/organisations/{organisation_id}/verify", response_model=Organisation)
def verify_organisation(
    caller: Signed, organisation_id: UUID, body: Annotated[Verification, Depends(JsonBody(Verification))]
) -> Response:
    """The operating company has checked its identity and its bank account."""
    command = messages.VerifyOrganisation(organisation_id=organisation_id, note=body.note)
    return ok(Organisation.of(caller.ask(command, messages.OrganisationView).organisation))


@router.get("/organisations/{organisation_id}/members", response_model=MemberPage)
def list_members(caller: Signed, organisation_id: UUID, listed: Annotated[Listed, Query()]) -> Response:
    asked = member_messages.ListMembers(organisation_id=organisation_id, **dict(listed))
    return ok(MemberPage.of(caller.ask(asked, member_messages.MemberPage)))


@router.post("/organisations/{organisation_id}/members", status_code=problems.CREATED, response_model=InvitedMember)
def invite_member(
    caller: Signed, organisation_id: UUID, body: Annotated[MemberToInvite, Depends(JsonBody(MemberToInvite))]
) -> Response:
    """Let a person in, by an initial password or a one-time link."""
    command = member_messages.InviteMember(organisation_id=organisation_id, **dict(body))
    invited = caller.ask(command, member_messages.MemberInvitation)
    answer = InvitedMember(member=Member.of(invited.member), one_time_link=one_time_link(caller, invited.link_seed))
    return created(answer, f"/v1/organisations/{organisation_id}/members")


@router.post("/members/join", response_model=Member)
def join_as_member(caller: Anyone, body: Annotated[MemberJoining, Depends(JsonBody(MemberJoining))]) -> Response:
    """Set the password behind a one-time link."""
    command = member_messages.JoinAsMember(**dict(body))
    return ok(Member.of(caller.ask(command, member_messages.MemberView)))


@router.post("/members/{member_id}", response_model=Member)
def change_member(
    caller: Signed, member_id: UUID, body: Annotated[MemberChange, Depends(JsonBody(MemberChange))]
) -> Response:
    """Give a member other roles."""
    answer = caller.ask(member_messages.ChangeMember(member_id=member_id, roles=body.roles), member_messages.MemberView)
    caller.gateway.authenticator.forget()
    return ok(Member.of(answer))


@router.post("/members/{member_id}/remove", response_model=Member)
def remove_member(caller: Signed, member_id: UUID) -> Response:
    """They may no longer act for the organisation; their sessions end."""
    answer = caller.ask(member_messages.RemoveMember(member_id=member_id), member_messages.MemberView)
    caller.gateway.authenticator.forget()
    return ok(Member.of(answer))
