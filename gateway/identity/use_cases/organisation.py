"""Signing up, being verified, changing one's particulars."""

from datetime import datetime

from gateway.identity.domain.organisation import ROLES, BankAccount, Organisation, check_kind, credit_code
from gateway.identity.use_cases import api_key, member
from gateway.identity.use_cases.ports import IdentityUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.ids import new_id
from services.shared.messages.base import Event
from services.shared.messages.identity import organisation as messages
from services.shared.messages.identity.organisation import (
    AccountWanted,
    ChangeOrganisation,
    FoundOperator,
    OrganisationChanged,
    OrganisationRegistered,
    OrganisationRegistration,
    OrganisationVerified,
    OrganisationView,
    RegisterOrganisation,
    VerifyOrganisation,
)


def register_organisation(
    command: RegisterOrganisation, *, actor: Actor, uow: IdentityUnitOfWork, now: datetime
) -> OrganisationRegistration:
    """Anybody may; nobody believes it before the operating company has verified it."""
    require(actor, command.grants, {})
    return _register(command, command.kind, command.api_key, verified=False, uow=uow, now=now)


def found_operator(
    command: FoundOperator, *, actor: Actor, uow: IdentityUnitOfWork, now: datetime
) -> OrganisationRegistration:
    """The operating company itself. There is one."""
    require(actor, command.grants, {})
    return _register(command, "operator", None, verified=True, uow=uow, now=now)


def _register(
    command: RegisterOrganisation | FoundOperator,
    kind: messages.OrganisationKind,
    key_name: str | None,
    *,
    verified: bool,
    uow: IdentityUnitOfWork,
    now: datetime,
) -> OrganisationRegistration:
    code = credit_code(command.unified_social_credit_code)
    check_kind(kind, code)
    organisation = Organisation(
        organisation_id=new_id(),
        number="",
        kind=kind,
        legal_name=command.legal_name,
        legal_name_en=command.legal_name_en,
        unified_social_credit_code=code,
        address=command.address,
        mail=command.mail,
        phone=command.phone,
        tax_profile=command.tax_profile,
        bank_account=_account(command.bank_account),
        verified=verified,
        registered_at=now,
    )
    uow.organisations.add(organisation)
    uow.publish(_event(OrganisationRegistered, organisation))
    first = command.first_member
    person, seed = member.let_in(
        organisation, first.name, first.mail, first.language, ROLES[kind], first.password, uow=uow, now=now
    )
    issued = None
    if key_name is not None:
        issued = api_key.issue(organisation.organisation_id, key_name, ROLES[kind], person.member_id, uow=uow, now=now)
    return OrganisationRegistration(
        organisation=told(organisation),
        member=member.view(person),
        link_seed=seed,
        api_key_id=issued.api_key.api_key_id if issued else None,
        api_key_seed=issued.seed if issued else "",
    )


def verify_organisation(
    command: VerifyOrganisation, *, actor: Actor, uow: IdentityUnitOfWork, now: datetime
) -> OrganisationView:
    """The operating company has looked. Looking again changes nothing."""
    del now
    require(actor, command.grants, {})
    organisation = uow.organisations.get(command.organisation_id)
    if organisation.verify():
        uow.organisations.save(organisation)
        uow.publish(_event(OrganisationVerified, organisation))
    return OrganisationView(organisation=told(organisation))


def change_organisation(
    command: ChangeOrganisation, *, actor: Actor, uow: IdentityUnitOfWork, now: datetime
) -> OrganisationView:
    """What is left out stays as it is."""
    del now
    organisation = uow.organisations.get(command.organisation_id)
    require(actor, command.grants, {"self": organisation.organisation_id})
    wanted = {
        name: getattr(command, name)
        for name in ("legal_name", "legal_name_en", "address", "mail", "phone", "tax_profile")
        if getattr(command, name) is not None
    }
    if command.bank_account is not None:
        wanted["bank_account"] = _account(command.bank_account)
    if organisation.change(**wanted):
        uow.organisations.save(organisation)
        uow.publish(_event(OrganisationChanged, organisation))
    return OrganisationView(organisation=told(organisation))


def _account(wanted: AccountWanted | None) -> BankAccount | None:
    if wanted is None:
        return None
    return BankAccount(wanted.bank_name, wanted.account_name, wanted.account_number.replace(" ", ""))


def _event(
    kind: type[OrganisationRegistered | OrganisationVerified | OrganisationChanged], organisation: Organisation
) -> Event:
    return kind(organisation_id=organisation.organisation_id, organisation=told(organisation))


def told(organisation: Organisation) -> messages.Organisation:
    """An organisation as messages carry it."""
    account = organisation.bank_account
    fields = {name: value for name, value in vars(organisation).items() if name not in {"version", "bank_account"}}
    return messages.Organisation(
        **fields, bank_account=messages.BankAccount(**vars(account)) if account is not None else None
    )
