"""Letting people and machines in, and out."""

import pytest

from gateway.identity.domain.member import LastManager, LinkInvalid, MailTaken, RoleNotOfKind, RoleNotYours
from gateway.identity.use_cases.api_key import create_api_key, revoke_api_key
from gateway.identity.use_cases.member import change_member, invite_member, join_as_member, remove_member
from services.shared.kernel.actor import PUBLIC, Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.messages.identity.api_key import CreateApiKey, RevokeApiKey
from services.shared.messages.identity.member import (
    ChangeMember,
    InviteMember,
    JoinAsMember,
    MemberJoined,
    RemoveMember,
)
from tests.kit.fakes_identity import (
    ADMINISTRATOR,
    APPROVER,
    CUSTOMER_ID,
    NOW,
    OTHER_CUSTOMER_ID,
    FakeIdentityUnitOfWork,
    a_member,
    an_actor,
    an_organisation,
    in_days,
)

STRANGER = an_actor(OTHER_CUSTOMER_ID, "approver")
REQUESTER = an_actor(CUSTOMER_ID, "requester")


@pytest.fixture
def uow() -> FakeIdentityUnitOfWork:
    made = FakeIdentityUnitOfWork()
    made.organisations.save(an_organisation())
    return made


def _invitation(**changes: object) -> InviteMember:
    wanted = InviteMember(organisation_id=CUSTOMER_ID, name="Zhao", mail="zhao@x.example", roles=("requester",))
    return wanted.model_copy(update=changes)


def test_an_invited_member_joins_by_the_link_once(uow: FakeIdentityUnitOfWork) -> None:
    """Told to others when they join, not before; the link is then used up."""
    invited = invite_member(_invitation(), actor=APPROVER, uow=uow, now=NOW)
    assert uow.published == []
    command = JoinAsMember(token=uow.secrets.link(invited.link_seed), password="long enough 1")
    assert join_as_member(command, actor=PUBLIC, uow=uow, now=NOW).state == "joined"
    assert [type(event) for event in uow.published] == [MemberJoined]
    with pytest.raises(LinkInvalid):
        join_as_member(command, actor=PUBLIC, uow=uow, now=NOW)


def test_a_link_ends_after_its_days(uow: FakeIdentityUnitOfWork) -> None:
    """Seven by default."""
    invited = invite_member(_invitation(), actor=APPROVER, uow=uow, now=NOW)
    command = JoinAsMember(token=uow.secrets.link(invited.link_seed), password="long enough 1")
    with pytest.raises(LinkInvalid):
        join_as_member(command, actor=PUBLIC, uow=uow, now=in_days(7.01))
    join_as_member(command, actor=PUBLIC, uow=uow, now=in_days(7))


def test_neither_seed_nor_hash_opens_the_door(uow: FakeIdentityUnitOfWork) -> None:
    """What stands in the database is not the link."""
    invited = invite_member(_invitation(), actor=APPROVER, uow=uow, now=NOW)
    (row,) = uow.members.rows.values()
    for token in (invited.link_seed, row.link_sha256):
        with pytest.raises(LinkInvalid):
            join_as_member(JoinAsMember(token=token, password="long enough 1"), actor=PUBLIC, uow=uow, now=NOW)


def test_an_initial_password_lets_in_at_once(uow: FakeIdentityUnitOfWork) -> None:
    """It is kept as a hash only."""
    invited = invite_member(_invitation(password="long enough 1"), actor=APPROVER, uow=uow, now=NOW)
    (row,) = uow.members.rows.values()
    assert (invited.member.state, invited.link_seed) == ("joined", "")
    assert row.password_hash.startswith("$argon2id$")
    assert uow.secrets.matches(row.password_hash, "long enough 1")
    assert not uow.secrets.matches(row.password_hash, "long enough 2")
    assert not uow.secrets.matches("", "long enough 1")


@pytest.mark.parametrize(("actor", "error"), [(STRANGER, NotFound), (REQUESTER, NotAllowed), (PUBLIC, NotFound)])
def test_only_managers_let_others_in(uow: FakeIdentityUnitOfWork, actor: Actor, error: type[Exception]) -> None:
    """Of that organisation."""
    with pytest.raises(error):
        invite_member(_invitation(), actor=actor, uow=uow, now=NOW)


def test_roles_of_another_kind_are_refused(uow: FakeIdentityUnitOfWork) -> None:
    """Even by the operating company's administrator."""
    with pytest.raises(RoleNotOfKind):
        invite_member(_invitation(roles=("administrator",)), actor=ADMINISTRATOR, uow=uow, now=NOW)


def test_a_mail_address_is_free_again_when_its_member_is_removed(uow: FakeIdentityUnitOfWork) -> None:
    """People change employers."""
    manager = a_member()
    uow.members.save(manager)
    member = invite_member(_invitation(), actor=APPROVER, uow=uow, now=NOW).member
    with pytest.raises(MailTaken):
        invite_member(_invitation(), actor=APPROVER, uow=uow, now=NOW)
    remove_member(RemoveMember(member_id=member.member_id), actor=APPROVER, uow=uow, now=NOW)
    invite_member(_invitation(), actor=APPROVER, uow=uow, now=NOW)


def test_removing_ends_sessions_and_is_told(uow: FakeIdentityUnitOfWork) -> None:
    """At once."""
    leaving, staying = a_member(mail="a@x.example"), a_member(mail="b@x.example")
    uow.members.save(leaving)
    uow.members.save(staying)
    remove_member(RemoveMember(member_id=leaving.member_id), actor=APPROVER, uow=uow, now=NOW)
    assert uow.members.sessions_ended == [leaving.member_id]
    assert [event.wire_name for event in uow.published] == ["member.removed.v1"]


def test_somebody_is_left_who_can_let_others_in(uow: FakeIdentityUnitOfWork) -> None:
    """The last manager is neither removed nor stripped; who is only invited does not count."""
    last = a_member()
    uow.members.save(last)
    uow.members.save(a_member(mail="r@x.example", roles=("requester",)))
    uow.members.save(a_member(mail="i@x.example", state="invited", password_hash=""))
    with pytest.raises(LastManager):
        remove_member(RemoveMember(member_id=last.member_id), actor=APPROVER, uow=uow, now=NOW)
    with pytest.raises(LastManager):
        change_member(ChangeMember(member_id=last.member_id, roles=("requester",)), actor=APPROVER, uow=uow, now=NOW)


def test_other_roles_are_told_once(uow: FakeIdentityUnitOfWork) -> None:
    """The same roles again are no news."""
    uow.members.save(a_member())
    other = a_member(mail="b@x.example", roles=("requester",))
    uow.members.save(other)
    command = ChangeMember(member_id=other.member_id, roles=("customer_finance",))
    for _ in range(2):
        assert change_member(command, actor=APPROVER, uow=uow, now=NOW).roles == ("customer_finance",)
    assert len(uow.published) == 1


@pytest.mark.parametrize(("actor", "error"), [(STRANGER, NotFound), (REQUESTER, NotAllowed)])
def test_members_are_their_organisations_affair(
    uow: FakeIdentityUnitOfWork, actor: Actor, error: type[Exception]
) -> None:
    """Foreigners do not learn that a member exists."""
    member = a_member()
    uow.members.save(member)
    with pytest.raises(error):
        remove_member(RemoveMember(member_id=member.member_id), actor=actor, uow=uow, now=NOW)


def test_a_key_has_no_roles_that_its_maker_lacks(uow: FakeIdentityUnitOfWork) -> None:
    """No way up through a machine."""
    with pytest.raises(RoleNotYours):
        create_api_key(CreateApiKey(name="k", roles=("customer_finance",)), actor=APPROVER, uow=uow, now=NOW)
    with pytest.raises(RoleNotOfKind):
        create_api_key(CreateApiKey(name="k", roles=("administrator",)), actor=APPROVER, uow=uow, now=NOW)
    with pytest.raises(NotAllowed):
        create_api_key(CreateApiKey(name="k", roles=("requester",)), actor=REQUESTER, uow=uow, now=NOW)


def test_a_key_is_kept_as_prefix_and_hash(uow: FakeIdentityUnitOfWork) -> None:
    """The secret itself stands nowhere."""
    issued = create_api_key(CreateApiKey(name="k", roles=("requester",)), actor=APPROVER, uow=uow, now=NOW)
    secret = uow.secrets.api_key(issued.seed)
    (row,) = uow.api_keys.rows.values()
    assert secret.startswith(row.prefix)
    assert len(row.prefix) == 13
    assert secret not in repr(row)
    assert len(secret) == 48


@pytest.mark.parametrize(("actor", "error"), [(STRANGER, NotFound), (REQUESTER, NotAllowed)])
def test_keys_are_revoked_by_managers_only(uow: FakeIdentityUnitOfWork, actor: Actor, error: type[Exception]) -> None:
    """Of the organisation that has them."""
    issued = create_api_key(CreateApiKey(name="k", roles=("requester",)), actor=APPROVER, uow=uow, now=NOW)
    command = RevokeApiKey(api_key_id=issued.api_key.api_key_id)
    with pytest.raises(error):
        revoke_api_key(command, actor=actor, uow=uow, now=NOW)
    assert revoke_api_key(command, actor=APPROVER, uow=uow, now=NOW).revoked_at == NOW
    assert revoke_api_key(command, actor=ADMINISTRATOR, uow=uow, now=in_days(1)).revoked_at == NOW
