"""Organisations: who takes part. Owned by identity, in the gateway."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from services.shared.kernel.actor import Grants
from services.shared.kernel.tax import TaxProfile
from services.shared.messages.base import Command, Event, Instant, Message, Name, Page, Query, Text, View
from services.shared.messages.identity.member import (
    MANAGERS,
    Language,
    Mail,
    MemberView,
    Password,
)

OrganisationKind = Literal["customer", "provider", "station", "authority", "operator"]
"""An authority pays for programmes of vouchers and subsidies, reviews their claims, and reads their evidence."""

_VERIFIERS: Grants = {"operator": frozenset({"administrator", "catalogue_operator", "contract_operator"})}


class BankAccount(Message):
    """The legal entity's own account; a payout goes nowhere else."""

    bank_name: str
    account_name: str
    account_number: str


class Organisation(Message):
    """
    Everything others may keep of an organisation.

    Attributes:
        number: Readable, e.g. ORG-2026-000012.
        unified_social_credit_code: 18 characters, checksum verified.
        tax_profile: In force from now on; what was agreed before stays frozen on its contract.
        verified: The operating company has checked its identity.
        mail: Where the organisation as such is written to.
    """

    organisation_id: UUID
    number: str
    kind: OrganisationKind
    legal_name: str
    legal_name_en: str
    unified_social_credit_code: str
    address: str
    mail: str
    phone: str
    tax_profile: TaxProfile
    bank_account: BankAccount | None
    verified: bool
    registered_at: Instant


class OrganisationView(View):
    organisation: Organisation


class AccountWanted(Message):
    """A bank account as it is told to us; its holder must be the organisation itself."""

    bank_name: Name
    account_name: Name
    account_number: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 -]{6,40}$")]


class FirstMember(Message):
    """
    Who registers, and will let others in.

    Attributes:
        password: None: they are given a one-time link to set one.
    """

    name: Name
    mail: Mail
    language: Language = "zh"
    password: Password | None = None


class RegisterOrganisation(Command):
    """
    Somebody signs their organisation up; one of each kind per credit code. → OrganisationRegistration

    Attributes:
        api_key: Name of a first API key with all roles of the kind, for an organisation that comes by machine.
    """

    wire_name: ClassVar = "identity.register_organisation"
    grants: ClassVar[Grants] = {"anyone": frozenset()}

    kind: Literal["customer", "provider", "station", "authority"]
    legal_name: Name
    legal_name_en: Name
    unified_social_credit_code: Annotated[str, StringConstraints(max_length=40)]
    address: Name
    mail: Mail
    phone: Annotated[str, StringConstraints(pattern=r"^[0-9+() -]{5,30}$")]
    tax_profile: TaxProfile
    bank_account: AccountWanted | None = None
    first_member: FirstMember
    api_key: Name | None = None


class OrganisationRegistration(View):
    """*link_seed* and *api_key_seed*: see `MemberInvitation`; empty where there is no link and no key."""

    organisation: Organisation
    member: MemberView
    link_seed: str
    api_key_id: UUID | None
    api_key_seed: str


class FoundOperator(Command):
    """The operating company and its first administrator, once, from the command line. → OrganisationRegistration"""

    wire_name: ClassVar = "identity.found_operator"
    grants: ClassVar[Grants] = {"operator": frozenset({"administrator"})}

    legal_name: Name
    legal_name_en: Name
    unified_social_credit_code: Annotated[str, StringConstraints(max_length=40)]
    address: Name
    mail: Mail
    phone: Annotated[str, StringConstraints(pattern=r"^[0-9+() -]{5,30}$")]
    tax_profile: TaxProfile
    bank_account: AccountWanted | None = None
    first_member: FirstMember


class VerifyOrganisation(Command):
    """The operating company has checked its identity. → OrganisationView"""

    wire_name: ClassVar = "identity.verify_organisation"
    grants: ClassVar[Grants] = _VERIFIERS

    organisation_id: UUID
    note: Text = ""


class ChangeOrganisation(Command):
    """
    New particulars; what is left out stays. → OrganisationView

    Another name or bank account must be verified again: money goes there, so a second pair of eyes looks.
    """

    wire_name: ClassVar = "identity.change_organisation"
    grants: ClassVar[Grants] = MANAGERS

    organisation_id: UUID
    legal_name: Name | None = None
    legal_name_en: Name | None = None
    address: Name | None = None
    mail: Mail | None = None
    phone: Annotated[str, StringConstraints(pattern=r"^[0-9+() -]{5,30}$")] | None = None
    tax_profile: TaxProfile | None = None
    bank_account: AccountWanted | None = None


class GetOrganisation(Query):
    """→ OrganisationView"""

    wire_name: ClassVar = "identity.get_organisation"
    grants: ClassVar[Grants] = {"self": frozenset(), "operator": frozenset()}

    organisation_id: UUID


class ListOrganisations(Query):
    """→ OrganisationPage, oldest first"""

    wire_name: ClassVar = "identity.list_organisations"
    grants: ClassVar[Grants] = {"operator": frozenset()}

    kind: OrganisationKind | None = None
    verified: bool | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class OrganisationPage(Page):
    items: tuple[Organisation, ...]


class _OrganisationEvent(Event):
    source: ClassVar = "identity"
    stream_of: ClassVar = ("organisation", "organisation_id")

    organisation_id: UUID
    organisation: Organisation


class OrganisationRegistered(_OrganisationEvent):
    """Somebody signed their organisation up; nobody has checked it yet."""

    wire_name: ClassVar = "organisation.registered.v1"


class OrganisationVerified(_OrganisationEvent):
    """The operating company has checked its identity."""

    wire_name: ClassVar = "organisation.verified.v1"


class OrganisationChanged(_OrganisationEvent):
    """Some of its particulars changed; carries all of them."""

    wire_name: ClassVar = "organisation.changed.v1"
