"""Who may: the one rule, case by case."""

import pytest

from services.shared.kernel.actor import PUBLIC, SYSTEM, Actor, Grants, Parties, Relation, Role, relations_of, require
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import NO_ONE, derived_id

CUSTOMER, PROVIDER, COMPANY, STRANGER = (derived_id(name) for name in ("customer", "provider", "company", "stranger"))
PARTIES: Parties = {"customer": CUSTOMER, "provider": PROVIDER, "station": None}

GRANTS: Grants = {
    "customer": frozenset({"requester", "approver"}),
    "provider": frozenset(),
    "operator": frozenset({"contract_operator"}),
}
OPEN: Grants = {"anyone": frozenset()}


def member(organisation: object, *roles: Role, operator: bool = False) -> Actor:
    return Actor(organisation, frozenset(roles), derived_id("member"), operator=operator)  # type: ignore[arg-type] # an id


@pytest.mark.parametrize(
    ("actor", "grants", "outcome"),
    [
        (member(CUSTOMER, "requester"), GRANTS, "customer"),
        (member(CUSTOMER, "customer_finance", "approver"), GRANTS, "customer"),
        (member(CUSTOMER, "customer_finance"), GRANTS, NotAllowed),
        (member(CUSTOMER), GRANTS, NotAllowed),
        (member(PROVIDER, "technician"), GRANTS, "provider"),
        (member(PROVIDER), GRANTS, "provider"),
        (member(STRANGER, "requester", "approver"), GRANTS, NotFound),
        (member(STRANGER, "contract_operator"), GRANTS, NotFound),  # the role without the company is worth nothing
        (member(COMPANY, "contract_operator", operator=True), GRANTS, "operator"),
        (member(COMPANY, "finance_operator", operator=True), GRANTS, NotAllowed),
        (PUBLIC, GRANTS, NotFound),
        (SYSTEM, GRANTS, "operator"),
        (PUBLIC, OPEN, "anyone"),
        (member(STRANGER), OPEN, "anyone"),
        (Actor(CUSTOMER, frozenset({"requester"}), kind="machine"), GRANTS, "customer"),
    ],
)
def test_who_may(actor: Actor, grants: Grants, outcome: Relation | type[Exception]) -> None:
    """A party with the role passes; a party without it is told so; anybody else learns nothing."""
    if isinstance(outcome, str):
        assert require(actor, grants, PARTIES) == outcome
    else:
        with pytest.raises(outcome):
            require(actor, grants, PARTIES)


def test_nobody_is_a_party_that_does_not_exist() -> None:
    """The public has the id that stands for no one, and a place without a party is nobody's."""
    assert relations_of(PUBLIC, {"station": NO_ONE, "customer": None}) == {"anyone"}


def test_one_organisation_may_be_several_things() -> None:
    """The relation that lets in is the first of the grants: what is shown follows from it."""
    both: Parties = {"customer": CUSTOMER, "provider": CUSTOMER}
    assert relations_of(member(CUSTOMER), both) == {"anyone", "customer", "provider"}
    assert require(member(CUSTOMER, "requester"), GRANTS, both) == "customer"
    assert require(member(CUSTOMER, "technician"), GRANTS, both) == "provider"


def test_no_grant_lets_nobody_in() -> None:
    """An empty table is closed, for parties as well."""
    with pytest.raises(NotAllowed):
        require(member(CUSTOMER, "requester"), {}, PARTIES)
    with pytest.raises(NotFound):
        require(member(STRANGER, "requester"), {}, PARTIES)
