"""Signing up, being verified, changing particulars: by whom, and what others are told."""

import pytest

from gateway.identity.domain.member import MailTaken, RoleNotOfKind
from gateway.identity.domain.organisation import (
    ROLES,
    AlreadyRegistered,
    CreditCodeInvalid,
    NotPublicBody,
    OperatorExists,
)
from gateway.identity.use_cases.member import invite_member
from gateway.identity.use_cases.organisation import (
    change_organisation,
    found_operator,
    register_organisation,
    verify_organisation,
)
from services.shared.kernel.actor import PUBLIC, SYSTEM, Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.messages.identity.member import InviteMember
from services.shared.messages.identity.organisation import (
    AccountWanted,
    ChangeOrganisation,
    FirstMember,
    FoundOperator,
    OrganisationChanged,
    VerifyOrganisation,
)
from tests.kit.fakes_identity import (
    ADMINISTRATOR,
    APPROVER,
    CUSTOMER_ID,
    NOW,
    OTHER_CUSTOMER_ID,
    FakeIdentityUnitOfWork,
    a_credit_code,
    a_registration,
    an_actor,
    an_organisation,
)


@pytest.fixture
def uow() -> FakeIdentityUnitOfWork:
    return FakeIdentityUnitOfWork()


def _names(uow: FakeIdentityUnitOfWork) -> list[str]:
    return [event.wire_name for event in uow.published]


def test_registering_tells_of_the_organisation_and_its_first_member(uow: FakeIdentityUnitOfWork) -> None:
    """Unverified, with all roles of its kind, and with a key where one is wanted."""
    made = register_organisation(a_registration(api_key="erp"), actor=PUBLIC, uow=uow, now=NOW)
    assert (made.organisation.verified, made.member.roles) == (False, ROLES["customer"])
    assert _names(uow) == ["organisation.registered.v1", "member.joined.v1"]
    (key,) = uow.api_keys.rows.values()
    assert made.api_key_seed
    assert key.secret_sha256 not in made.model_dump_json()
    assert uow.secrets.api_key(made.api_key_seed) not in made.model_dump_json()


def test_without_a_password_the_first_member_gets_a_link(uow: FakeIdentityUnitOfWork) -> None:
    """Nobody is told that they joined before they did."""
    wanted = a_registration(first_member=FirstMember(name="W", mail="W@X.example"))
    made = register_organisation(wanted, actor=PUBLIC, uow=uow, now=NOW)
    assert (made.member.state, made.member.mail, bool(made.link_seed)) == ("invited", "w@x.example", True)
    assert _names(uow) == ["organisation.registered.v1"]


def test_one_organisation_of_each_kind_per_credit_code(uow: FakeIdentityUnitOfWork) -> None:
    """A university may be customer and provider; it is neither twice."""
    register_organisation(a_registration(), actor=PUBLIC, uow=uow, now=NOW)
    other_mail = FirstMember(name="W", mail="other@x.example")
    with pytest.raises(AlreadyRegistered):
        register_organisation(a_registration(first_member=other_mail), actor=PUBLIC, uow=uow, now=NOW)
    register_organisation(a_registration(kind="provider", first_member=other_mail), actor=PUBLIC, uow=uow, now=NOW)
    assert len(uow.organisations.rows) == 2


def test_one_member_per_mail_address(uow: FakeIdentityUnitOfWork) -> None:
    """People sign in by it."""
    register_organisation(a_registration(), actor=PUBLIC, uow=uow, now=NOW)
    again = a_registration(2, first_member=a_registration().first_member)
    with pytest.raises(MailTaken):
        register_organisation(again, actor=PUBLIC, uow=uow, now=NOW)


def test_a_wrong_credit_code_is_refused(uow: FakeIdentityUnitOfWork) -> None:
    """And nothing is stored or told."""
    with pytest.raises(CreditCodeInvalid):
        register_organisation(
            a_registration(unified_social_credit_code="913100000000000001"), actor=PUBLIC, uow=uow, now=NOW
        )
    assert (uow.organisations.rows, uow.published) == ({}, [])


def test_an_authority_is_a_public_body(uow: FakeIdentityUnitOfWork) -> None:
    """By its credit code; its people have one role, which lets others in and nothing of the operating company."""
    with pytest.raises(NotPublicBody):
        register_organisation(a_registration(kind="authority"), actor=PUBLIC, uow=uow, now=NOW)
    assert (uow.organisations.rows, uow.published) == ({}, [])
    public = a_registration(kind="authority", unified_social_credit_code=a_credit_code(of="11330000"))
    made = register_organisation(public, actor=PUBLIC, uow=uow, now=NOW)
    assert (made.organisation.kind, made.organisation.verified, made.member.roles) == (
        "authority", False, ("authority",),
    )  # fmt: skip
    first = an_actor(made.organisation.organisation_id, *made.member.roles)
    asked = InviteMember(
        organisation_id=made.organisation.organisation_id, name="Li", mail="li@kjt.example", roles=("authority",)
    )
    assert invite_member(asked, actor=first, uow=uow, now=NOW).member.roles == ("authority",)
    with pytest.raises(RoleNotOfKind):
        invite_member(
            asked.model_copy(update={"roles": ("finance_operator",)}), actor=first, uow=uow, now=NOW
        )  # fmt: skip


def _founding() -> FoundOperator:
    fields = dict(a_registration(3))
    return FoundOperator(**{name: fields[name] for name in FoundOperator.model_fields})


def test_there_is_one_operating_company(uow: FakeIdentityUnitOfWork) -> None:
    """Founded by the platform's own command, verified, once."""
    made = found_operator(_founding(), actor=SYSTEM, uow=uow, now=NOW)
    assert (made.organisation.kind, made.organisation.verified) == ("operator", True)
    with pytest.raises(OperatorExists):
        found_operator(_founding(), actor=SYSTEM, uow=uow, now=NOW)


@pytest.mark.parametrize("actor", [PUBLIC, APPROVER])
def test_nobody_else_founds_the_operating_company(uow: FakeIdentityUnitOfWork, actor: Actor) -> None:
    """Whatever way the command should come."""
    with pytest.raises((NotAllowed, NotFound)):
        found_operator(_founding(), actor=actor, uow=uow, now=NOW)


def test_verifying_is_told_once(uow: FakeIdentityUnitOfWork) -> None:
    """Looking again changes nothing."""
    uow.organisations.save(an_organisation())
    command = VerifyOrganisation(organisation_id=CUSTOMER_ID)
    for _ in range(2):
        assert verify_organisation(command, actor=ADMINISTRATOR, uow=uow, now=NOW).organisation.verified
    assert _names(uow) == ["organisation.verified.v1"]


@pytest.mark.parametrize(
    ("actor", "error"),
    [
        (APPROVER, NotFound),
        (an_actor(CUSTOMER_ID, "administrator"), NotFound),
        (an_actor(OTHER_CUSTOMER_ID, "finance_operator", operator=True), NotAllowed),
        (PUBLIC, NotFound),
    ],
)
def test_nobody_verifies_themselves(uow: FakeIdentityUnitOfWork, actor: Actor, error: type[Exception]) -> None:
    """A role's name is worth nothing without the operating company behind it."""
    uow.organisations.save(an_organisation())
    with pytest.raises(error):
        verify_organisation(VerifyOrganisation(organisation_id=CUSTOMER_ID), actor=actor, uow=uow, now=NOW)
    assert not uow.organisations.get(CUSTOMER_ID).verified


def test_a_new_account_is_told_with_everything_and_unverified(uow: FakeIdentityUnitOfWork) -> None:
    """Others keep copies: they must learn that it is to be looked at again."""
    uow.organisations.save(an_organisation(verified=True))
    account = AccountWanted(bank_name="B", account_name="长河新材料有限公司", account_number="6222 0000 1111")
    command = ChangeOrganisation(organisation_id=CUSTOMER_ID, bank_account=account)
    change_organisation(command, actor=APPROVER, uow=uow, now=NOW)
    (event,) = uow.published
    assert isinstance(event, OrganisationChanged)
    assert not event.organisation.verified
    assert event.organisation.bank_account is not None
    assert event.organisation.bank_account.account_number == "622200001111"
    change_organisation(command, actor=APPROVER, uow=uow, now=NOW)
    assert len(uow.published) == 1


@pytest.mark.parametrize(
    ("actor", "error"),
    [
        (an_actor(OTHER_CUSTOMER_ID, "approver"), NotFound),
        (an_actor(CUSTOMER_ID, "requester"), NotAllowed),
        (PUBLIC, NotFound),
    ],
)
def test_only_its_managers_change_an_organisation(
    uow: FakeIdentityUnitOfWork, actor: Actor, error: type[Exception]
) -> None:
    """Foreigners do not learn that it exists."""
    uow.organisations.save(an_organisation())
    with pytest.raises(error):
        change_organisation(ChangeOrganisation(organisation_id=CUSTOMER_ID, address="x"), actor=actor, uow=uow, now=NOW)
