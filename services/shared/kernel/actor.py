"""Who acts, and whether they may. The one permission rule; the table it reads stands on the commands."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import NO_ONE

Role = Literal[
    "requester", "approver", "customer_finance",
    "lab_manager", "technician", "provider_finance",
    "station_manager",
    "catalogue_operator", "contract_operator", "finance_operator", "dispute_operator", "administrator",
    "authority",
]  # fmt: skip

Relation = Literal["customer", "provider", "station", "operator", "authority", "self", "anyone"]
"""What the actor's organisation is to the thing acted on. *self*: the thing is the organisation."""


@dataclass(frozen=True, slots=True)
class Actor:
    """
    Who a request comes from, as the gateway authenticated it.

    Attributes:
        organisation_id: The organisation they act for; `NO_ONE` for the platform and for the public.
        member_id: The person, or the one who made the API key that acts; none for the platform and the public.
        roles: What they may do in that organisation.
        kind: *member* a person, *machine* an API key, *system* the platform itself, *public* nobody known.
        operator: The organisation is the operating company.
    """

    organisation_id: UUID
    roles: frozenset[Role] = frozenset()
    member_id: UUID | None = None
    kind: Literal["member", "machine", "system", "public"] = "member"
    operator: bool = False


SYSTEM = Actor(organisation_id=NO_ONE, kind="system")
PUBLIC = Actor(organisation_id=NO_ONE, kind="public")

Grants = Mapping[Relation, frozenset[Role]]
"""For each relation the roles that may. An empty set under *anyone* lets everybody in, signed in or not."""

Parties = Mapping[Relation, UUID | None]
"""Who stands in which relation to the thing acted on."""


def relations_of(actor: Actor, parties: Parties) -> frozenset[Relation]:
    """Every relation in which *actor* stands to the thing whose *parties* are given."""
    found: set[Relation] = {"anyone"}
    if actor.operator:
        found.add("operator")
    if actor.organisation_id != NO_ONE:
        found.update(relation for relation, party in parties.items() if party == actor.organisation_id)
    return frozenset(found)


def require(actor: Actor, grants: Grants, parties: Parties) -> Relation:
    """
    Let *actor* pass, or refuse.

    Returns:
        The relation that let them in: what they are shown follows from it.

    Raises:
        NotFound: Their organisation is no party to it; they must not learn that it exists.
        NotAllowed: It is, but none of their roles may do this.
    """
    if actor.kind == "system":
        return "operator"
    relations = relations_of(actor, parties)
    for relation, roles in grants.items():
        if relation in relations and (not roles or roles & actor.roles):
            return relation
    if relations == {"anyone"} and "anyone" not in grants:
        raise NotFound
    raise NotAllowed


def hand_of(actor: Actor) -> str:
    """Who acts, for four eyes: a person; or the machines of an organisation, taken as one."""
    if actor.member_id is not None:
        return f"member/{actor.member_id}"
    return f"{actor.kind}/{actor.organisation_id}"
