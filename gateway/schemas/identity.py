"""Organisations, members, API keys, sessions."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.kernel.actor import Role
from services.shared.kernel.tax import TaxProfile
from services.shared.messages.base import Instant, Name, Text
from services.shared.messages.identity.member import Language, Mail, MemberState, Password
from services.shared.messages.identity.organisation import AccountWanted, FirstMember, OrganisationKind

Phone = Annotated[str, StringConstraints(pattern=r"^[0-9+() -]{5,30}$")]


class BankAccount(Shown):
    bank_name: str
    account_name: str
    account_number: str


class Organisation(Shown):
    """An organisation, to itself and to the operating company."""

    organisation_id: UUID
    number: Annotated[str, Field(examples=["ORG-2026-000012"])]
    kind: OrganisationKind
    legal_name: str
    legal_name_en: str
    unified_social_credit_code: Annotated[str, Field(examples=["91310000MA1FL0B77X"])]
    address: str
    mail: str
    phone: str
    tax_profile: TaxProfile
    bank_account: BankAccount | None
    verified: bool
    registered_at: Instant


class OrganisationPage(Shown):
    items: tuple[Organisation, ...]
    next_cursor: str | None


class OrganisationsListed(Listed):
    kind: OrganisationKind | None = None
    verified: bool | None = None


class OrganisationToRegister(Schema):
    kind: Literal["customer", "provider", "station", "authority"]
    legal_name: Name
    legal_name_en: Name
    unified_social_credit_code: Annotated[str, StringConstraints(max_length=40)]
    address: Name
    mail: Mail
    phone: Phone
    tax_profile: TaxProfile
    bank_account: AccountWanted | None = None
    first_member: FirstMember
    api_key: Annotated[Name | None, Field(description="name of a first API key, with all roles of the kind")] = None


class OrganisationChange(Schema):
    legal_name: Name | None = None
    legal_name_en: Name | None = None
    address: Name | None = None
    mail: Mail | None = None
    phone: Phone | None = None
    tax_profile: TaxProfile | None = None
    bank_account: AccountWanted | None = None


class Verification(Schema):
    note: Text = ""


class Member(Shown):
    member_id: UUID
    organisation_id: UUID
    name: str
    mail: str
    language: Language
    roles: tuple[Role, ...]
    state: MemberState
    invited_at: Instant
    joined_at: Instant | None


class MemberPage(Shown):
    items: tuple[Member, ...]
    next_cursor: str | None


class MemberToInvite(Schema):
    name: Name
    mail: Mail
    language: Language = "zh"
    roles: Annotated[tuple[Role, ...], Field(min_length=1, max_length=20)]
    password: Annotated[Password | None, Field(description="initial; none: a one-time link is made")] = None


class InvitedMember(Shown):
    member: Member
    one_time_link: Annotated[str | None, Field(description="where they set their password; give it to them alone")]


class MemberJoining(Schema):
    token: Annotated[str, StringConstraints(min_length=20, max_length=200)]
    password: Password


class MemberChange(Schema):
    roles: Annotated[tuple[Role, ...], Field(min_length=1, max_length=20)]


class RegisteredOrganisation(Shown):
    organisation: Organisation
    member: Member
    one_time_link: str | None
    api_key_id: UUID | None
    api_key: Annotated[str | None, Field(description="the key itself; keep it, it is not shown again")]


class ApiKey(Shown):
    api_key_id: UUID
    organisation_id: UUID
    name: str
    prefix: str
    roles: tuple[Role, ...]
    created_at: Instant
    revoked_at: Instant | None


class ApiKeyPage(Shown):
    items: tuple[ApiKey, ...]
    next_cursor: str | None


class ApiKeyToCreate(Schema):
    name: Name
    roles: Annotated[tuple[Role, ...], Field(min_length=1, max_length=20)]


class CreatedApiKey(Shown):
    api_key: ApiKey
    secret: Annotated[str, Field(description="the key itself; keep it, it is not shown again")]


class Credentials(Schema):
    mail: Annotated[str, StringConstraints(max_length=250)]
    password: Annotated[str, StringConstraints(max_length=200)]


class Session(Shown):
    csrf_token: Annotated[str, Field(description="send it as X-CSRF-Token with everything that changes something")]


class Me(Shown):
    """Who the caller is, as this request was understood."""

    kind: Literal["member", "machine"]
    name: str
    member_id: UUID | None
    organisation: Organisation
    roles: tuple[Role, ...]
