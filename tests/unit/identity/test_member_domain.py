"""A member's life, and which roles an organisation has."""

import pytest

from gateway.identity.domain.member import RoleNotOfKind, roles_for
from gateway.identity.domain.organisation import ROLES
from services.shared.kernel.lifecycle import WrongState
from tests.kit.fakes_identity import NOW, a_member, in_days


def test_roles_are_those_of_the_kind() -> None:
    """In the order of the kind, each once."""
    assert roles_for("customer", ("approver", "requester", "approver")) == ("requester", "approver")


def test_no_role_of_another_kind() -> None:
    """Above all none of the operating company's."""
    for kind in ("customer", "provider", "station", "authority"):
        for role in ROLES["operator"]:
            with pytest.raises(RoleNotOfKind):
                roles_for(kind, (role,))


def test_a_link_is_used_up_by_joining() -> None:
    """And joining again is refused."""
    member = a_member(state="invited", joined_at=None, password_hash="", link_sha256="x", link_until=in_days(1))
    member.join("hash", NOW)
    assert (member.state, member.link_sha256, member.link_until) == ("joined", "", None)
    with pytest.raises(WrongState):
        member.join("other", NOW)


def test_who_is_removed_stays_out() -> None:
    """No joining, no roles, no password left."""
    member = a_member()
    member.remove()
    assert member.password_hash == ""
    with pytest.raises(WrongState):
        member.join("hash", NOW)
    with pytest.raises(WrongState):
        member.give(("requester",))
    with pytest.raises(WrongState):
        member.remove()
