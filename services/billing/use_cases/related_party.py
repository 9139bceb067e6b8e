"""Related parties: writing down what is declared, and withdrawing what is mistaken or over."""

from datetime import datetime

from services.billing.domain.related_party import DeclaredRelation
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.errors import NotFound
from services.shared.messages.billing.related_party import DeclareRelation, RelationView, WithdrawRelation


def declare_relation(command: DeclareRelation, *, actor: Actor, uow: BillingUnitOfWork, now: datetime) -> RelationView:
    """A second time does nothing. Raises NotFound: One of the two is not known, or neither is the asker."""
    both = {command.owner_id, command.owned_id}
    require(actor, command.grants, {"self": actor.organisation_id} if actor.organisation_id in both else {})
    relation = DeclaredRelation(command.owner_id, command.owned_id, command.kind, hand_of(actor), now, command.note)
    if uow.organisations.find_all(both).keys() != both:
        raise NotFound
    return view(uow.relations.add(relation))


def withdraw_relation(
    command: WithdrawRelation, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> RelationView:
    """Raises NotFound, RelationWithdrawn."""
    require(actor, command.grants, {})
    relation = uow.relations.get(command.relation_id)
    relation.withdraw(command.reason, hand_of(actor), now)
    uow.relations.save(relation)
    return view(relation)


def view(relation: DeclaredRelation) -> RelationView:
    return RelationView(
        relation_id=relation.relation_id,
        owner_id=relation.owner_id,
        owned_id=relation.owned_id,
        kind=relation.kind,
        note=relation.note,
        declared_at=relation.declared_at,
        withdrawn_at=relation.withdrawn_at,
        withdrawal_reason=relation.withdrawal_reason,
    )
