"""Related parties: writing down what is declared."""

from datetime import datetime

from services.billing.domain.related_party import DeclaredRelation
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.errors import NotFound
from services.shared.messages.billing.related_party import DeclareRelation, RelationView


def declare_relation(command: DeclareRelation, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> RelationView:
    """A second time does nothing. Raises NotFound: One of the two is not known, or neither is the asker."""
    both = {command.owner_id, command.owned_id}
    require(actor, command.grants, {"self": actor.organisation_id} if actor.organisation_id in both else {})
    relation = DeclaredRelation(command.owner_id, command.owned_id, command.kind, hand_of(actor), now, command.note)
    if uow.organisations.find_all(both).keys() != both:
        raise NotFound
    uow.relations.add(relation)
    return RelationView(
        owner_id=relation.owner_id, owned_id=relation.owned_id, kind=relation.kind, declared_at=relation.declared_at
    )
